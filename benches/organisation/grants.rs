//! What such principals hold today: policies as they are found, written by people who wanted to be done with it.

use serde_json::{Value, json};

use crate::who::Kind;

/// The policy document that is attached to a principal of this kind.
pub(crate) fn present(kind: Kind) -> Value {
    let statement = match kind {
        Kind::Terraform => json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }),
        // The managed policy PowerUserAccess says it so.
        Kind::OnCall => json!({
            "Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*",
        }),
        _ => json!({ "Effect": "Allow", "Action": actions(kind), "Resource": "*" }),
    };
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

fn actions(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Releases => &[
            "cloudformation:*",
            "cloudfront:*",
            "dynamodb:*",
            "ecr:*",
            "ecs:*",
            "iam:*Role*",
            "iam:PassRole",
            "lambda:*",
            "logs:*",
            "s3:*",
            "sqs:*",
        ],
        Kind::Service => &[
            "dynamodb:*",
            "kms:Decrypt",
            "kms:GenerateDataKey*",
            "lambda:InvokeFunction",
            "logs:*",
            "rekognition:*",
            "s3:*",
            "secretsmanager:GetSecretValue",
            "sns:*",
            "sqs:*",
            "ssm:GetParameter*",
            "states:StartExecution",
        ],
        Kind::Pipeline => &[
            "athena:*",
            "cloudwatch:*",
            "dynamodb:*",
            "elasticmapreduce:*",
            "glue:*",
            "iam:PassRole",
            "lambda:*",
            "logs:*",
            "s3:*",
            "sagemaker:*",
            "sns:*",
            "states:*",
        ],
        // Much as the managed policy SecurityAudit.
        Kind::Scanner => &[
            "cloudfront:Get*",
            "cloudfront:List*",
            "cloudtrail:Describe*",
            "cloudtrail:Get*",
            "ec2:Describe*",
            "ecs:Describe*",
            "ecs:List*",
            "elasticloadbalancing:Describe*",
            "guardduty:Get*",
            "guardduty:List*",
            "iam:Generate*",
            "iam:Get*",
            "iam:List*",
            "kms:Describe*",
            "kms:Get*",
            "kms:List*",
            "lambda:Get*",
            "lambda:List*",
            "s3:Get*",
            "s3:List*",
            "securityhub:Describe*",
            "securityhub:Get*",
            "sns:Get*",
            "sns:List*",
            "sqs:Get*",
            "sqs:List*",
            "ssm:Describe*",
            "ssm:List*",
        ],
        Kind::Backup => &["dynamodb:*Backup*", "ec2:*", "rds:*", "s3:*"],
        Kind::Partner => &["s3:*", "sqs:*", "sts:AssumeRole"],
        Kind::User => &["cloudwatch:*", "ec2:*", "s3:*", "tag:*"],
        Kind::Terraform | Kind::OnCall => &["*"],
    }
}
