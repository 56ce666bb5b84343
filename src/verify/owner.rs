//! Whose a resource is, where a record does not tell what the request told IAM of it.

use crate::iam::arn::ArnParts;
use crate::verify::context::{Context, Key};

/// `context` with the account in the resource's ARN as `aws:ResourceAccount`, and without that key: one of the two it is, and
/// the record does not tell which. `None` where the ARN has no account or the key is known.
/// Source: IAM User Guide, "AWS global condition context keys", aws:ResourceAccount: most actions send it, and it is the owner's
/// account, which most ARNs contain.
pub(crate) fn by_owner(resource: &str, context: &Context) -> Option<[Context; 2]> {
    const KEY: &str = "aws:resourceaccount";
    let account = ArnParts::parse(resource)?.account;
    let is_id = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (is_id && !context.names(KEY)).then(|| {
        let keys = [Key::Known(vec![account.to_owned()]), Key::Absent];
        keys.map(|key| context.clone().with(KEY, key))
    })
}

#[cfg(test)]
mod tests {
    use super::by_owner;
    use crate::verify::context::{Context, Key};

    #[test]
    fn the_owner_is_the_account_in_the_arn_or_not_told() {
        const KEY: &str = "aws:resourceaccount";
        let none = Context::partial();
        let [told, absent] = by_owner("arn:aws:sqs:eu-west-1:111122223333:orders", &none).unwrap();
        assert_eq!(told.get(KEY), &Key::Known(vec!["111122223333".to_owned()]));
        assert_eq!(absent.get(KEY), &Key::Absent);
        for resource in [
            "*",
            "arn:aws:s3:::b",
            "arn:aws:ec2:eu-west-1:*:instance/i-1",
        ] {
            assert_eq!(by_owner(resource, &none), None, "{resource}");
        }
        assert_eq!(
            by_owner("arn:aws:sqs:eu-west-1:111122223333:orders", &told),
            None
        );
    }
}
