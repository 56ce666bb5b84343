//! `trailfit map`: what calls need whose needs the general rules do not give. One record each, with all that it needs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::program::Run;

/// A call: event source, event name, requestParameters; then its needs as `action resource`, where `R` stands for the
/// Region of the event and `A` for the caller's account.
type Row = (&'static str, &'static str, Value, &'static [&'static str]);

#[test]
fn a_list_of_names_and_arns_loses_neither() {
    check(&[(
        "ecs",
        "DescribeServices",
        json!({"cluster": "prod", "services": ["web", "arn:aws:ecs:eu-central-1:111122223333:service/prod/api"]}),
        &[
            "ecs:DescribeServices arn:aws:ecs:R:A:service/prod/api",
            "ecs:DescribeServices arn:aws:ecs:R:A:service/prod/web",
        ],
    )]);
}

#[test]
fn each_operation_of_a_transaction_needs_its_own_table() {
    check(&[(
        "dynamodb",
        "TransactWriteItems",
        json!({"requestItems": [
            {"operation": "Put", "tableName": "orders", "key": {"id": "1"}},
            {"operation": "ConditionCheck", "tableName": "stock", "key": {"id": "2"}},
            {"operation": "Delete", "tableName": "arn:aws:dynamodb:eu-central-1:111122223333:table/carts"},
            {"operation": "Put", "tableName": "events", "key": {"id": "3"}},
        ]}),
        &[
            "dynamodb:ConditionCheckItem arn:aws:dynamodb:R:A:table/stock",
            "dynamodb:DeleteItem arn:aws:dynamodb:R:A:table/carts",
            "dynamodb:PutItem arn:aws:dynamodb:R:A:table/events",
            "dynamodb:PutItem arn:aws:dynamodb:R:A:table/orders",
        ],
    )]);
}

#[test]
fn a_resource_of_another_account_is_asked_for_in_that_account() {
    check(&[
        (
            "ecr",
            "BatchGetImage",
            json!({"registryId": "444455556666", "repositoryName": "web"}),
            &["ecr:BatchGetImage arn:aws:ecr:R:444455556666:repository/web"],
        ),
        (
            "glue",
            "GetDatabase",
            json!({"catalogId": "444455556666", "name": "lake"}),
            &[
                "glue:GetDatabase arn:aws:glue:R:444455556666:catalog",
                "glue:GetDatabase arn:aws:glue:R:444455556666:database/lake",
            ],
        ),
    ]);
}

#[test]
fn ec2_calls_need_what_they_make_and_what_they_name() {
    check(&[
        (
            "ec2",
            "RunInstances",
            json!({
                "instancesSet": {"items": [{"imageId": "ami-0a1b2c3d", "minCount": 1, "maxCount": 1, "keyName": "ops"}]},
                "subnetId": "subnet-0a1b2c3d", "groupSet": {"items": [{"groupName": "web"}]},
                "placement": {"groupName": "near"}, "launchTemplate": {"launchTemplateName": "web", "version": "3"},
            }),
            &[
                "ec2:RunInstances arn:aws:ec2:R:A:instance/*",
                "ec2:RunInstances arn:aws:ec2:R:A:key-pair/ops",
                "ec2:RunInstances arn:aws:ec2:R:A:launch-template/*",
                "ec2:RunInstances arn:aws:ec2:R:A:network-interface/*",
                "ec2:RunInstances arn:aws:ec2:R:A:placement-group/near",
                "ec2:RunInstances arn:aws:ec2:R:A:security-group/*",
                "ec2:RunInstances arn:aws:ec2:R:A:subnet/subnet-0a1b2c3d",
                "ec2:RunInstances arn:aws:ec2:R:A:volume/*",
                "ec2:RunInstances arn:aws:ec2:R::image/ami-0a1b2c3d",
            ],
        ),
        (
            "ec2",
            "CreateFleet",
            json!({"CreateFleetRequest": {
                "Type": "instant",
                "LaunchTemplateConfigs": {"tag": 1, "LaunchTemplateSpecification": {"LaunchTemplateName": "web", "Version": "3"}},
            }}),
            &[
                "ec2:CreateFleet arn:aws:ec2:R:A:fleet/*",
                "ec2:CreateFleet arn:aws:ec2:R:A:instance/*",
                "ec2:CreateFleet arn:aws:ec2:R:A:launch-template/*",
            ],
        ),
        (
            "ec2",
            "CopySnapshot",
            json!({"sourceRegion": "us-east-1", "sourceSnapshotId": "snap-0a1b2c3d"}),
            &[
                "ec2:CopySnapshot arn:aws:ec2:R::snapshot/*",
                "ec2:CopySnapshot arn:aws:ec2:us-east-1::snapshot/snap-0a1b2c3d",
            ],
        ),
        (
            "ec2",
            "CopyImage",
            json!({"sourceRegion": "us-east-1", "sourceImageId": "ami-0a1b2c3d", "name": "copy"}),
            &[
                "ec2:CopyImage arn:aws:ec2:R::image/*",
                "ec2:CopyImage arn:aws:ec2:R::snapshot/*",
                "ec2:CopyImage arn:aws:ec2:us-east-1::image/ami-0a1b2c3d",
            ],
        ),
        (
            "ec2",
            "CreatePlacementGroup",
            json!({"groupName": "near", "strategy": "cluster"}),
            &["ec2:CreatePlacementGroup arn:aws:ec2:R:A:placement-group/near"],
        ),
        (
            "ec2",
            "DeletePlacementGroup",
            json!({"groupName": "near"}),
            &["ec2:DeletePlacementGroup arn:aws:ec2:R:A:placement-group/near"],
        ),
        (
            "ec2",
            "CreateVpcPeeringConnection",
            json!({
                "vpcId": "vpc-0a1b2c3d", "peerVpcId": "vpc-0d3c2b1a",
                "peerOwnerId": "444455556666", "peerRegion": "us-east-1",
            }),
            &[
                "ec2:CreateVpcPeeringConnection arn:aws:ec2:R:A:vpc-peering-connection/*",
                "ec2:CreateVpcPeeringConnection arn:aws:ec2:R:A:vpc/vpc-0a1b2c3d",
                "ec2:CreateVpcPeeringConnection arn:aws:ec2:us-east-1:444455556666:vpc/vpc-0d3c2b1a",
            ],
        ),
        (
            "ec2",
            "CreateTags",
            json!({
                "resourcesSet": {"items": [
                    {"resourceId": "key-0a1b2c3d4e5f60718"}, {"resourceId": "export-i-0a1b2c3d4e5f60718"},
                    {"resourceId": "snap-0a1b2c3d"},
                ]},
                "tagSet": {"items": [{"key": "team", "value": "web"}]},
            }),
            &[
                "ec2:CreateTags arn:aws:ec2:R:A:export-instance-task/export-i-0a1b2c3d4e5f60718",
                "ec2:CreateTags arn:aws:ec2:R:A:key-pair/*",
                "ec2:CreateTags arn:aws:ec2:R::snapshot/snap-0a1b2c3d",
            ],
        ),
    ]);
}

#[test]
fn a_role_is_passed_by_the_parameters_that_pass_one_and_by_no_other() {
    check(&[
        (
            "ec2",
            "CreateFlowLogs",
            json!({"CreateFlowLogsRequest": {
                "ResourceId": {"tag": 1, "content": "vpc-0a1b2c3d"}, "ResourceType": "VPC",
                "DeliverLogsPermissionArn": "arn:aws:iam::111122223333:role/flow",
            }}),
            &[
                "ec2:CreateFlowLogs arn:aws:ec2:R:A:vpc-flow-log/*",
                "ec2:CreateFlowLogs arn:aws:ec2:R:A:vpc/vpc-0a1b2c3d",
                "iam:PassRole arn:aws:iam::A:role/flow",
            ],
        ),
        (
            "apigateway",
            "PutIntegration",
            json!({
                "restApiId": "r1", "resourceId": "s1", "httpMethod": "GET",
                "putIntegrationInput": {"type": "AWS", "credentials": "arn:aws:iam::111122223333:role/gateway"},
            }),
            &[
                "apigateway:PUT arn:aws:apigateway:R::/restapis/r1/resources/s1/methods/GET/integration",
                "iam:PassRole arn:aws:iam::A:role/gateway",
            ],
        ),
        (
            "apigateway",
            "CreateApi",
            json!({"name": "web", "protocolType": "HTTP", "credentialsArn": "arn:aws:iam::111122223333:role/gateway"}),
            &[
                "apigateway:POST arn:aws:apigateway:R::/apis",
                "iam:PassRole arn:aws:iam::A:role/gateway",
            ],
        ),
        (
            "cognito-idp",
            "SetUserPoolMfaConfig",
            json!({
                "userPoolId": "eu-central-1_a",
                "smsMfaConfiguration": {"smsConfiguration": {"snsCallerArn": "arn:aws:iam::111122223333:role/sms"}},
            }),
            &[
                "cognito-idp:SetUserPoolMfaConfig arn:aws:cognito-idp:R:A:userpool/eu-central-1_a",
                "iam:PassRole arn:aws:iam::A:role/sms",
            ],
        ),
        (
            "sns",
            "SetTopicAttributes",
            json!({
                "topicArn": "arn:aws:sns:eu-central-1:111122223333:t", "attributeName": "SQSSuccessFeedbackRoleArn",
                "attributeValue": "arn:aws:iam::111122223333:role/feedback",
            }),
            &[
                "iam:PassRole arn:aws:iam::A:role/feedback",
                "sns:SetTopicAttributes arn:aws:sns:R:A:t",
            ],
        ),
        (
            "sns",
            "SetTopicAttributes",
            json!({
                "topicArn": "arn:aws:sns:eu-central-1:111122223333:t", "attributeName": "DisplayName",
                "attributeValue": "orders",
            }),
            &["sns:SetTopicAttributes arn:aws:sns:R:A:t"],
        ),
        (
            "cloudformation",
            "CreateStackSet",
            json!({
                "stackSetName": "s", "executionRoleName": "exec",
                "administrationRoleARN": "arn:aws:iam::111122223333:role/admin",
                "parameters": [{"parameterKey": "Role", "parameterValue": "arn:aws:iam::111122223333:role/other"}],
            }),
            &[
                "cloudformation:CreateStackSet *",
                "iam:PassRole arn:aws:iam::A:role/admin",
            ],
        ),
    ]);
}

#[test]
fn what_the_request_leaves_out_is_the_services_default() {
    check(&[
        (
            "ecs",
            "ListTasks",
            json!({"cluster": "web"}),
            &["ecs:ListTasks *"],
        ),
        (
            "ecs",
            "ListTasks",
            json!({"cluster": "web", "containerInstance": "c1"}),
            &["ecs:ListTasks arn:aws:ecs:R:A:container-instance/web/c1"],
        ),
        (
            "ecs",
            "DescribeServices",
            json!({"services": ["a", "b"]}),
            &[
                "ecs:DescribeServices arn:aws:ecs:R:A:service/default/a",
                "ecs:DescribeServices arn:aws:ecs:R:A:service/default/b",
            ],
        ),
        (
            "ecs",
            "UpdateService",
            json!({"cluster": "web", "service": "a"}),
            &["ecs:UpdateService arn:aws:ecs:R:A:service/web/a"],
        ),
        (
            "ecs",
            "StopTask",
            json!(null),
            &["ecs:StopTask arn:aws:ecs:R:A:task/default/*"],
        ),
        (
            "ecs",
            "DescribeClusters",
            json!(null),
            &["ecs:DescribeClusters arn:aws:ecs:R:A:cluster/default"],
        ),
        (
            "athena",
            "StartQueryExecution",
            json!({"queryString": "SELECT 1"}),
            &["athena:StartQueryExecution arn:aws:athena:R:A:workgroup/primary"],
        ),
        (
            "athena",
            "StartQueryExecution",
            json!({"queryString": "SELECT 1", "workGroup": "bi"}),
            &["athena:StartQueryExecution arn:aws:athena:R:A:workgroup/bi"],
        ),
        (
            "scheduler",
            "GetSchedule",
            json!({"name": "nightly"}),
            &["scheduler:GetSchedule arn:aws:scheduler:R:A:schedule/default/nightly"],
        ),
        (
            "rds",
            "CreateDBInstance",
            json!({"dBInstanceIdentifier": "main", "dBParameterGroupName": "tuned", "engine": "postgres"}),
            &[
                "rds:CreateDBInstance arn:aws:rds:R:A:db:main",
                "rds:CreateDBInstance arn:aws:rds:R:A:og:default*",
                "rds:CreateDBInstance arn:aws:rds:R:A:pg:tuned",
                "rds:CreateDBInstance arn:aws:rds:R:A:subgrp:default",
            ],
        ),
        (
            "events",
            "PutEvents",
            json!({"entries": [{"source": "a", "eventBusName": "orders"}, {"source": "b"}]}),
            &[
                "events:PutEvents arn:aws:events:R:A:event-bus/default",
                "events:PutEvents arn:aws:events:R:A:event-bus/orders",
            ],
        ),
    ]);
}

#[test]
fn a_function_is_checked_with_its_alias_or_version() {
    let function = "arn:aws:lambda:eu-central-1:444455556666:function:fn";
    check(&[
        (
            "lambda",
            "Invoke",
            json!({"functionName": "fn"}),
            &["lambda:InvokeFunction arn:aws:lambda:R:A:function:fn"],
        ),
        (
            "lambda",
            "Invoke",
            json!({"functionName": "fn:prod"}),
            &["lambda:InvokeFunction arn:aws:lambda:R:A:function:fn:prod"],
        ),
        (
            "lambda",
            "Invoke",
            json!({"functionName": "fn", "qualifier": "7"}),
            &["lambda:InvokeFunction arn:aws:lambda:R:A:function:fn:7"],
        ),
        (
            "lambda",
            "GetFunction20150331v2",
            json!({"functionName": function, "qualifier": "prod"}),
            &["lambda:GetFunction arn:aws:lambda:R:444455556666:function:fn:prod"],
        ),
        (
            "lambda",
            "RemovePermission20150331v2",
            json!({"functionName": format!("{function}:prod"), "statementId": "s"}),
            &["lambda:RemovePermission arn:aws:lambda:R:444455556666:function:fn:prod"],
        ),
        (
            "lambda",
            "GetPolicy20150331v2",
            json!(null),
            &["lambda:GetPolicy arn:aws:lambda:R:A:function:*"],
        ),
    ]);
}

#[test]
fn what_the_reference_lists_beside_a_call_is_needed_where_the_request_asks_for_it() {
    let queue = |name| format!("arn:aws:sqs:eu-central-1:111122223333:{name}");
    let node = "arn:aws:iam::111122223333:role/node";
    check(&[
        (
            "sqs",
            "StartMessageMoveTask",
            json!({"sourceArn": queue("dead"), "destinationArn": queue("work")}),
            &[
                "sqs:DeleteMessage arn:aws:sqs:R:A:dead",
                "sqs:GetQueueAttributes arn:aws:sqs:R:A:dead",
                "sqs:ReceiveMessage arn:aws:sqs:R:A:dead",
                "sqs:SendMessage arn:aws:sqs:R:A:work",
                "sqs:StartMessageMoveTask arn:aws:sqs:R:A:dead",
            ],
        ),
        (
            "eks",
            "CreateAccessEntry",
            json!({"clusterName": "c", "principalArn": node, "type": "STANDARD"}),
            &["eks:CreateAccessEntry arn:aws:eks:R:A:cluster/c"],
        ),
        (
            "eks",
            "CreateAccessEntry",
            json!({"clusterName": "c", "principalArn": node, "type": "EC2_LINUX"}),
            &[
                "eks:CreateAccessEntry arn:aws:eks:R:A:cluster/c",
                "iam:PassRole arn:aws:iam::A:role/node",
            ],
        ),
        (
            "rds",
            "DeleteDBInstance",
            json!({"dBInstanceIdentifier": "db", "finalDBSnapshotIdentifier": "last"}),
            &[
                "rds:CreateDBSnapshot arn:aws:rds:R:A:db:db",
                "rds:CreateDBSnapshot arn:aws:rds:R:A:snapshot:last",
                "rds:DeleteDBInstance arn:aws:rds:R:A:db:db",
            ],
        ),
        (
            "glue",
            "CreateJob",
            json!({"name": "nightly", "tags": {"team": "data"}}),
            &[
                "glue:CreateJob arn:aws:glue:R:A:job/nightly",
                "glue:TagResource arn:aws:glue:R:A:job/nightly",
            ],
        ),
    ]);
}

#[test]
fn some_calls_need_actions_that_leave_no_event_of_their_own() {
    let balancer =
        "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/web/50dc";
    let acl = "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/main/a1b2";
    let rotate = "arn:aws:lambda:eu-central-1:111122223333:function:rotate";
    check(&[
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            json!({"functionName": "fn", "s3Bucket": "code", "s3Key": "fn.zip"}),
            &[
                "lambda:UpdateFunctionCode arn:aws:lambda:R:A:function:fn",
                "s3:GetObject arn:aws:s3:::code/fn.zip",
            ],
        ),
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            json!({"functionName": "fn", "imageUri": "i"}),
            &["lambda:UpdateFunctionCode arn:aws:lambda:R:A:function:fn"],
        ),
        (
            "lambda",
            "PublishLayerVersion20181031",
            json!({"layerName": "l", "content": {"s3Bucket": "code", "s3Key": "l.zip", "s3ObjectVersion": "v"}}),
            &[
                "lambda:PublishLayerVersion arn:aws:lambda:R:A:layer:l",
                "s3:GetObjectVersion arn:aws:s3:::code/l.zip",
            ],
        ),
        (
            "cloudformation",
            "CreateStack",
            json!({"stackName": "s", "templateURL": "https://code.s3.eu-central-1.amazonaws.com/t/a%20b.yaml"}),
            &[
                "cloudformation:CreateStack arn:aws:cloudformation:R:A:stack/s/*",
                "s3:GetObject arn:aws:s3:::code/t/a b.yaml",
            ],
        ),
        (
            "wafv2",
            "AssociateWebACL",
            json!({"webACLArn": acl, "resourceArn": balancer}),
            &[
                "elasticloadbalancing:SetWebAcl arn:aws:elasticloadbalancing:R:A:loadbalancer/app/web/50dc",
                "wafv2:AssociateWebACL arn:aws:elasticloadbalancing:R:A:loadbalancer/app/web/50dc",
                "wafv2:AssociateWebACL arn:aws:wafv2:R:A:regional/webacl/main/a1b2",
            ],
        ),
        (
            "wafv2",
            "DisassociateWebACL",
            json!({"resourceArn": balancer}),
            &[
                "elasticloadbalancing:SetWebAcl arn:aws:elasticloadbalancing:R:A:loadbalancer/app/web/50dc",
                "wafv2:DisassociateWebACL arn:aws:elasticloadbalancing:R:A:loadbalancer/app/web/50dc",
            ],
        ),
        (
            "secretsmanager",
            "RotateSecret",
            json!({"secretId": "db", "rotationLambdaARN": rotate}),
            &[
                "lambda:InvokeFunction arn:aws:lambda:R:A:function:rotate",
                "secretsmanager:RotateSecret arn:aws:secretsmanager:R:A:secret:db-??????",
            ],
        ),
        (
            "dynamodb",
            "RestoreTableToPointInTime",
            json!({"sourceTableName": "orders", "targetTableName": "again"}),
            &[
                "dynamodb:BatchWriteItem arn:aws:dynamodb:R:A:table/again",
                "dynamodb:DeleteItem arn:aws:dynamodb:R:A:table/again",
                "dynamodb:GetItem arn:aws:dynamodb:R:A:table/again",
                "dynamodb:PutItem arn:aws:dynamodb:R:A:table/again",
                "dynamodb:Query arn:aws:dynamodb:R:A:table/again",
                "dynamodb:RestoreTableToPointInTime arn:aws:dynamodb:R:A:table/again",
                "dynamodb:RestoreTableToPointInTime arn:aws:dynamodb:R:A:table/orders",
                "dynamodb:Scan arn:aws:dynamodb:R:A:table/again",
                "dynamodb:UpdateItem arn:aws:dynamodb:R:A:table/again",
            ],
        ),
        (
            "elasticloadbalancing",
            "CreateListener",
            json!({"loadBalancerArn": balancer, "protocol": "HTTP", "tags": [{"key": "a", "value": "b"}]}),
            &[
                "elasticloadbalancing:AddTags arn:aws:elasticloadbalancing:R:A:listener/app/web/50dc/*",
                "elasticloadbalancing:CreateListener arn:aws:elasticloadbalancing:R:A:loadbalancer/app/web/50dc",
            ],
        ),
        (
            "elasticloadbalancing",
            "CreateRule",
            json!({
                "listenerArn": "arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/app/web/50dc/f2f7",
                "tags": [{"key": "a", "value": "b"}],
            }),
            &[
                "elasticloadbalancing:AddTags arn:aws:elasticloadbalancing:R:A:listener-rule/app/web/50dc/f2f7/*",
                "elasticloadbalancing:CreateRule arn:aws:elasticloadbalancing:R:A:listener/app/web/50dc/f2f7",
            ],
        ),
    ]);
}

#[test]
fn names_stand_in_the_arn_as_each_service_writes_them() {
    let node = ["i-0a1b2c3d", "mi-0a1b2c3d"];
    check(&[
        (
            "wafv2",
            "GetIPSet",
            json!({"scope": "CLOUDFRONT", "name": "n", "id": "a1"}),
            &["wafv2:GetIPSet arn:aws:wafv2:R:A:global/ipset/n/a1"],
        ),
        (
            "wafv2",
            "GetWebACL",
            json!({"scope": "REGIONAL", "name": "n", "id": "a1"}),
            &["wafv2:GetWebACL arn:aws:wafv2:R:A:regional/webacl/n/a1"],
        ),
        (
            "iam",
            "CreateServiceLinkedRole",
            json!({"aWSServiceName": "ecs.amazonaws.com"}),
            &[
                "iam:CreateServiceLinkedRole arn:aws:iam::A:role/aws-service-role/ecs.amazonaws.com/*",
            ],
        ),
        (
            "sns",
            "Publish",
            json!({"phoneNumber": "HIDDEN_DUE_TO_SECURITY_REASONS", "message": "m"}),
            &["sns:Publish *"],
        ),
        (
            "sns",
            "Publish",
            json!({"targetArn": "arn:aws:sns:eu-central-1:111122223333:endpoint/GCM/app/e1"}),
            &["sns:Publish arn:aws:sns:R:A:endpoint/GCM/app/e1"],
        ),
        (
            "sns",
            "Publish",
            json!(null),
            &["sns:Publish arn:aws:sns:R:A:*"],
        ),
        (
            "ssm",
            "SendCommand",
            json!({"documentName": "AWS-RunShellScript", "targets": [{"key": "InstanceIds", "values": node}]}),
            &[
                "ssm:SendCommand arn:aws:ec2:R:A:instance/i-0a1b2c3d",
                "ssm:SendCommand arn:aws:ssm:R:A:managed-instance/mi-0a1b2c3d",
                "ssm:SendCommand arn:aws:ssm:R::document/AWS-RunShellScript",
            ],
        ),
        (
            "ssm",
            "SendCommand",
            json!({"documentName": "mine", "targets": [{"key": "tag:team", "values": ["web"]}]}),
            &[
                "ssm:SendCommand arn:aws:ec2:R:A:instance/*",
                "ssm:SendCommand arn:aws:ssm:R:A:document/mine",
                "ssm:SendCommand arn:aws:ssm:R:A:managed-instance/*",
            ],
        ),
        (
            "glue",
            "DeleteDatabase",
            json!({"name": "sales"}),
            &[
                "glue:DeleteDatabase arn:aws:glue:R:A:catalog",
                "glue:DeleteDatabase arn:aws:glue:R:A:database/sales",
                "glue:DeleteDatabase arn:aws:glue:R:A:table/sales/*",
                "glue:DeleteDatabase arn:aws:glue:R:A:userDefinedFunction/sales/*",
            ],
        ),
        (
            "route53",
            "ChangeTagsForResource",
            json!({"resourceType": "healthcheck", "resourceId": "a1-b2"}),
            &["route53:ChangeTagsForResource arn:aws:route53:::healthcheck/a1-b2"],
        ),
        (
            "eks",
            "DescribeNodegroup",
            json!({"name": "c", "nodegroupName": "n"}),
            &["eks:DescribeNodegroup arn:aws:eks:R:A:nodegroup/c/n/*"],
        ),
        (
            "dynamodb",
            "ExecuteStatement",
            json!({"statement": "\n  select * from \"orders\""}),
            &["dynamodb:PartiQLSelect arn:aws:dynamodb:R:A:table/*"],
        ),
        (
            "kms",
            "ReEncrypt",
            json!({"sourceKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "destinationKeyId": "alias/app"}),
            &[
                "kms:ReEncryptFrom arn:aws:kms:R:A:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                "kms:ReEncryptTo arn:aws:kms:R:A:key/*",
            ],
        ),
    ]);
}

#[test]
fn the_two_api_gateways_are_told_apart() {
    check(&[
        (
            "apigateway",
            "DeleteStage",
            json!({"restApiId": "r1", "stageName": "prod"}),
            &["apigateway:DELETE arn:aws:apigateway:R::/restapis/r1/stages/prod"],
        ),
        (
            "apigateway",
            "DeleteStage",
            json!({"apiId": "a1", "stageName": "prod"}),
            &["apigateway:DELETE arn:aws:apigateway:R::/apis/a1/stages/prod"],
        ),
        (
            "apigateway",
            "CreateStage",
            json!({"restApiId": "r1", "createStageInput": {"stageName": "prod", "tags": {"team": "web"}}}),
            &[
                "apigateway:POST arn:aws:apigateway:R::/restapis/r1/stages",
                "apigateway:PUT arn:aws:apigateway:R::/tags/*",
            ],
        ),
        (
            "apigateway",
            "UpdateRestApi",
            json!({"restApiId": "r1", "patchOperations": [{"op": "replace", "path": "/policy", "value": "{}"}]}),
            &[
                "apigateway:PATCH arn:aws:apigateway:R::/restapis/r1",
                "apigateway:UpdateRestApiPolicy arn:aws:apigateway:R::/restapis/r1",
            ],
        ),
        (
            "apigateway",
            "UntagResource",
            json!({"resourceArn": "arn:aws:apigateway:eu-central-1::/restapis/r1", "tagKeys": "team"}),
            &[
                "apigateway:DELETE arn:aws:apigateway:R::/tags/arn%3Aaws%3Aapigateway%3Aeu-central-1%3A%3A%2Frestapis%2Fr1",
            ],
        ),
    ]);
}

#[test]
fn tasks_started_without_roles_of_their_own_leave_a_note() {
    let note = "started tasks of arn:aws:ecs:eu-central-1:111122223333:task-definition/web:7";
    for (overrides, noted) in [
        (json!({}), true),
        (
            json!({"taskRoleArn": "arn:aws:iam::111122223333:role/t"}),
            true,
        ),
        (
            json!({
                "taskRoleArn": "arn:aws:iam::111122223333:role/t",
                "executionRoleArn": "arn:aws:iam::111122223333:role/e",
            }),
            false,
        ),
    ] {
        let parameters = json!({"taskDefinition": "web:7", "cluster": "c", "overrides": overrides});
        let said = Run::new()
            .stdin(records(&[("ecs", "RunTask", parameters)]))
            .args(["generate", "-", "--out", "out"])
            .code(0);
        let index = std::fs::read_to_string(said.folder.path().join("out/index.json")).unwrap();
        assert_eq!(index.contains(note), noted, "{index}");
    }
}

#[test]
fn what_the_request_leaves_to_a_default_the_response_tells() {
    let parameters = json!({"dBClusterIdentifier": "orders", "engine": "aurora-mysql"});
    let mut log: Value =
        serde_json::from_str(&records(&[("rds", "CreateDBCluster", parameters)])).unwrap();
    log["Records"][0]["responseElements"] = json!({
        "dBClusterIdentifier": "orders",
        "dBClusterParameterGroup": "default.aurora-mysql8.0",
        "dBClusterOptionGroupMemberships": [{"dBClusterOptionGroupName": "default:aurora-mysql-8-0"}],
        "dBSubnetGroup": "default",
    });
    let said = Run::new()
        .stdin(log.to_string())
        .args(["map", "--quiet", "-"])
        .code(0);
    let line: Value = serde_json::from_str(&said.stdout).unwrap();
    let account = "arn:aws:rds:eu-central-1:111122223333";
    assert_eq!(
        line["needs"][0]["resources"],
        json!([
            format!("{account}:cluster-pg:default.aurora-mysql8.0"),
            format!("{account}:cluster:orders"),
            format!("{account}:og:default:aurora-mysql-8-0"),
            format!("{account}:subgrp:default"),
        ])
    );
}

fn records(calls: &[(&str, &str, Value)]) -> String {
    let record = |(id, (source, name, parameters)): (usize, &(&str, &str, Value))| {
        json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ops",
                "accountId": "111122223333", "userName": "ops",
            },
            "eventTime": "2026-09-01T10:00:00Z",
            "eventSource": format!("{source}.amazonaws.com"),
            "eventName": name,
            "awsRegion": "eu-central-1",
            "requestParameters": parameters,
            "eventID": format!("e-{id}"),
            "eventType": "AwsApiCall",
            "recipientAccountId": "111122223333",
        })
    };
    let records: Vec<Value> = calls.iter().enumerate().map(record).collect();
    json!({ "Records": records }).to_string()
}

/// Maps the calls and compares all of their needs.
#[track_caller]
fn check(rows: &[Row]) {
    let calls: Vec<_> = rows
        .iter()
        .map(|(source, name, parameters, _)| (*source, *name, parameters.clone()))
        .collect();
    let said = Run::new()
        .stdin(records(&calls))
        .args(["map", "--quiet", "-"])
        .code(0);
    let lines: Vec<Value> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), rows.len());
    for ((source, name, parameters, expected), line) in rows.iter().zip(&lines) {
        let mut found = BTreeSet::new();
        for need in line["needs"].as_array().unwrap() {
            for resource in need["resources"].as_array().unwrap() {
                let action = need["action"].as_str().unwrap();
                found.insert(format!("{action} {}", resource.as_str().unwrap()));
            }
        }
        let expected: BTreeSet<String> = expected
            .iter()
            .map(|need| {
                need.replace(":R:", ":eu-central-1:")
                    .replace(":A:", ":111122223333:")
            })
            .collect();
        assert_eq!(found, expected, "{source} {name} {parameters}");
        assert_eq!(line["outcome"], "used", "{source} {name} {parameters}");
    }
}
