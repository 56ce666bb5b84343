//! The table of all checks. `docs/lint.md` shows it, and a test holds the two together.

/// How bad a finding is, in the words of IAM Access Analyzer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// IAM refuses the policy, or a part of it can not do what it says.
    Error,
    /// It allows more than it seems to, or than anyone should have.
    SecurityWarning,
    /// It does not do what was likely meant.
    Warning,
    /// It could be simpler, and would mean the same.
    Suggestion,
}

impl Kind {
    /// As IAM Access Analyzer writes it: `ERROR`, `SECURITY_WARNING`, `WARNING`, `SUGGESTION`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::SecurityWarning => "SECURITY_WARNING",
            Self::Warning => "WARNING",
            Self::Suggestion => "SUGGESTION",
        }
    }
}

/// One check.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// Its name in upper snake case.
    pub code: &'static str,
    /// How bad what it finds is.
    pub kind: Kind,
    /// What it finds, in one sentence.
    pub about: &'static str,
    /// Whether the name is trailfit's own. All others are issue codes of the IAM User Guide, "IAM policy validation check
    /// reference".
    pub own: bool,
}

/// Every check, sorted by kind and name.
#[must_use]
pub fn all() -> &'static [&'static Check] {
    ALL
}

macro_rules! checks {
    ($($own:literal $kind:ident { $($code:ident: $about:literal,)* })*) => {
        $($(
            pub(crate) const $code: &Check = &Check {
                code: stringify!($code),
                kind: Kind::$kind,
                about: $about,
                own: $own,
            };
        )*)*

        const ALL: &[&Check] = &[$($($code,)*)*];
    };
}

checks! {
    false Error {
        ARN_ACCOUNT_NOT_ALLOWED: "An ARN has an account where the service's ARNs have none.",
        ARN_REGION_NOT_ALLOWED: "An ARN has a Region where the service's ARNs have none.",
        DATA_TYPE_MISMATCH: "An element has another JSON type than the grammar asks for.",
        DUPLICATE_KEYS_WITH_DIFFERENT_CASE: "An operator, or a condition key under one operator, stands in two spellings.",
        EMPTY_ARRAY_ACTION: "`Action` or `NotAction` is an empty list.",
        EMPTY_ARRAY_RESOURCE: "`Resource` or `NotResource` is an empty list.",
        EMPTY_VARIABLE: "A policy variable names no key.",
        INVALID_ACTION: "The service has no such action, or the pattern matches none.",
        INVALID_ARN_ACCOUNT: "The account in an ARN is not twelve digits.",
        INVALID_ARN_PREFIX: "A resource is neither `*` nor begins with `arn:`.",
        INVALID_ARN_REGION: "The partition has no such Region.",
        INVALID_ARN_RESOURCE: "A resource type in an ARN is misspelt: other case of letters, or other punctuation.",
        INVALID_ARN_SERVICE_CASE: "The service in an ARN has capital letters.",
        INVALID_CONDITION_DATA_TYPE: "The values of a condition key are of different JSON types.",
        INVALID_CONDITION_KEY_FORMAT: "A condition key is not of the form `service:name`.",
        INVALID_CONDITION_MULTIPLE_BOOLEAN: "`Bool` or `Null` has more than one value.",
        INVALID_CONDITION_OPERATOR: "There is no such condition operator.",
        INVALID_EFFECT: "`Effect` is neither `Allow` nor `Deny`.",
        INVALID_GLOBAL_CONDITION_KEY: "There is no such key that begins with `aws:`.",
        INVALID_KMS_KEY_VALUE: "The value of a condition key for KMS keys is no ARN of a KMS key.",
        INVALID_PARTITION: "There is no such partition.",
        INVALID_POLICY_ELEMENT: "The grammar has no such element.",
        INVALID_REGION: "A condition compares with a Region that no partition has.",
        INVALID_SERVICE: "The service in a condition key or an ARN does not exist.",
        INVALID_SERVICE_CONDITION_KEY: "The service has no such condition key.",
        INVALID_SERVICE_IN_ACTION: "The service in an action does not exist.",
        INVALID_SERVICE_PRINCIPAL_FORMAT: "The value of a condition key for services is no service principal.",
        INVALID_VARIABLE_FOR_OPERATOR: "A policy variable stands under an operator that takes none.",
        INVALID_VERSION: "`Version` is neither `2012-10-17` nor `2008-10-17`.",
        INVALID_VPCE_FORMAT: "A value is no id of a VPC endpoint.",
        INVALID_VPC_FORMAT: "A value is no id of a VPC.",
        JSON_SYNTAX_ERROR: "The text is not JSON.",
        MISSING_ACTION: "A statement has neither `Action` nor `NotAction`.",
        MISSING_ARN_ACCOUNT: "An ARN has no account where the service's ARNs have one.",
        MISSING_ARN_FIELD: "An ARN has fewer than six fields.",
        MISSING_ARN_REGION: "An ARN has no Region where the service's ARNs have one.",
        MISSING_BRACE_IN_VARIABLE: "A policy variable is not closed.",
        MISSING_EFFECT: "A statement has no `Effect`.",
        MISSING_QUALIFIER: "A key with several values stands without `ForAllValues` or `ForAnyValue`.",
        MISSING_QUOTE_IN_VARIABLE: "The default of a policy variable is not in single quotes.",
        MISSING_RESOURCE: "A statement has neither `Resource` nor `NotResource`.",
        MISSING_STATEMENT: "A document has no statement.",
        MISSING_TAG_KEY_IN_CONDITION: "A condition key for tags does not say which tag.",
        NULL_WITH_IF_EXISTS: "`Null` has the suffix `IfExists`.",
        PRIVATE_IP_ADDRESS: "`aws:SourceIp` must be one of private addresses only, which it never is.",
        PRIVATE_NOT_IP_ADDRESS: "`aws:SourceIp` must be none of private addresses only, which it never is.",
        TYPE_MISMATCH_IP_RANGE: "A value under an operator for addresses is no address and no range.",
        UNIQUE_SIDS_REQUIRED: "Two statements have the same `Sid`.",
        UNSUPPORTED_ACTION_FOR_CONDITION_KEY: "An action never has a value for the condition key.",
        UNSUPPORTED_ELEMENT_COMBINATION: "A statement has an element and its negation.",
        UNSUPPORTED_PRINCIPAL: "An identity policy has a `Principal`.",
        UNSUPPORTED_SID: "A `Sid` has other characters than letters and digits.",
        UNSUPPORTED_SPACE_IN_VARIABLE: "The key in a policy variable has a space.",
        VARIABLE_UNSUPPORTED_IN_ELEMENT: "A policy variable stands in an element that knows none.",
        VARIABLE_UNSUPPORTED_IN_VERSION: "A policy variable stands in a document without Version 2012-10-17.",
    }
    true Error {
        DUPLICATE_POLICY_ELEMENT: "An element, an operator or a key is given twice.",
        UNSUPPORTED_CHARACTER: "The text has a character that IAM refuses.",
    }
    false SecurityWarning {
        DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE: "A denial of all but some actions hangs on a tag that many actions do not know.",
        DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE: "A denial hangs on a tag that the service does not know, and never holds there.",
        DYNAMODB_ATTRIBUTES_WITHOUT_SELECT: "`dynamodb:Attributes` stands without `dynamodb:Select`, so that a read without a projection returns all attributes.",
        FORALLVALUES_WITH_SINGLE_VALUED_KEY: "`ForAllValues` holds where the key is missing, and the key has one value at most.",
        MISSING_PAIRED_CONDITION_KEYS: "A condition key says little without another one.",
        PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE: "`NotAction` and `NotResource` allow to pass many roles.",
        PASS_ROLE_WITH_NOT_RESOURCE: "`iam:PassRole` with `NotResource` allows to pass many roles.",
        PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE: "A wildcard action with `NotResource` allows to pass many roles.",
        PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE: "A wildcard action and a wildcard resource allow to pass all roles.",
        PASS_ROLE_WITH_STAR_IN_RESOURCE: "`iam:PassRole` with a wildcard resource allows to pass all roles.",
        PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION: "`NotAction` with a wildcard resource allows to pass all roles.",
        S3_PREFIX_IN_NEGATIVE_CONTEXT: "A list of denied `s3:prefix` values is passed by with a shorter prefix.",
        STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS: "`StringLike` compares an ARN as a whole, so that a wildcard crosses its fields.",
        UNTRUSTWORTHY_CONDITION_KEY: "The caller chooses the value of the condition key.",
    }
    true SecurityWarning {
        MFA_DENIAL_WITHOUT_IF_EXISTS: "A denial without multi-factor authentication passes requests with long-term access keys, which do not have the key.",
    }
    false Warning {
        CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE: "`NotAction` and `NotResource` allow to create many service-linked roles.",
        CREATE_SLR_WITH_NOT_RESOURCE: "`iam:CreateServiceLinkedRole` with `NotResource` allows to create many service-linked roles.",
        CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE: "A wildcard action with `NotResource` allows to create many service-linked roles.",
        CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE: "A wildcard action and a wildcard resource allow to create all service-linked roles.",
        CREATE_SLR_WITH_STAR_IN_RESOURCE: "`iam:CreateServiceLinkedRole` with a wildcard resource allows to create all service-linked roles.",
        CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION: "`NotAction` with a wildcard resource allows to create all service-linked roles.",
        DEPRECATED_GLOBAL_CONDITION_KEY: "A newer condition key has taken this one's place.",
        INVALID_DATE_VALUE: "A date is given in seconds since 1970.",
        MISSING_VERSION: "A document has no `Version`, and so the language of 2008.",
        POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA: "A document is larger than a managed policy may be.",
        TYPE_MISMATCH: "The condition key is of another type than the operator.",
        TYPE_MISMATCH_BOOLEAN: "A value under `Bool` or `Null` is neither `true` nor `false`.",
        TYPE_MISMATCH_DATE: "A value under an operator for dates is no date.",
        TYPE_MISMATCH_NUMBER: "A value under an operator for numbers is no number.",
        TYPE_MISMATCH_STRING: "A value under `BinaryEquals` is not Base64.",
        WILDCARD_WITHOUT_LIKE_OPERATOR: "A value has `*` or `?` under an operator that takes them literally.",
    }
    true Warning {
        INVALID_ACCOUNT_VALUE: "The value of a condition key for accounts is not twelve digits.",
        MULTIVALUED_VARIABLE: "A policy variable names a key that may have several values.",
        TYPE_MISMATCH_ARN: "A value that is compared with an ARN is no ARN.",
        UNKNOWN_ARN_RESOURCE: "No resource type of the service in our tables has an ARN like this.",
        UNKNOWN_VARIABLE: "A policy variable names a key that our tables do not have.",
        UNLISTED_CONDITION_KEY_FOR_ACTION: "The Service Authorization Reference lists the condition key with other actions only.",
        UNSUPPORTED_RESOURCE_FOR_ACTION: "No resource of the statement is one that the action takes.",
        VARIABLE_BEFORE_ARN_RESOURCE: "A policy variable stands before the fifth colon of an ARN.",
    }
    false Suggestion {
        ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE: "All but some actions are allowed by a tag that many actions do not know.",
        ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE: "Actions are allowed by a tag that the service does not know, and so never.",
        EMPTY_ARRAY_CONDITION: "A condition key has no values.",
        EMPTY_ARRAY_CONDITION_FORALLVALUES: "`ForAllValues` has no values, and looks at no more than whether the key is missing.",
        EMPTY_ARRAY_CONDITION_FORANYVALUE: "`ForAnyValue` has no values, and never looks at one.",
        EMPTY_ARRAY_CONDITION_IFEXISTS: "`IfExists` has no values, and looks at no more than whether the key is missing.",
        EMPTY_OBJECT_CONDITION: "`Condition` or an operator in it is empty.",
        EMPTY_SID_VALUE: "`Sid` is empty.",
        EQUIVALENT_TO_NULL_FALSE: "A condition holds wherever the key is there.",
        EQUIVALENT_TO_NULL_TRUE: "A condition holds only where the key is missing.",
        IMPROVE_IP_RANGE: "A range has bits behind its length, which count for nothing.",
        NULL_WITH_QUALIFIER: "`Null` has a set operator.",
        PRIVATE_IP_ADDRESS_SUBSET: "Some addresses for `aws:SourceIp` are private, which it never is.",
        PRIVATE_NOT_IP_ADDRESS_SUBSET: "Some addresses that `aws:SourceIp` must not be are private, which it never is.",
        REDUNDANT_ACTION: "Another action of the statement covers this one.",
        REDUNDANT_CONDITION_VALUE_NUM: "Of several bounds only the widest counts.",
        REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION: "A condition holds always.",
        REDUNDANT_RESOURCE: "Another resource of the statement covers this one.",
        REDUNDANT_STATEMENT: "Another statement covers this one.",
        REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION: "A condition never holds, so that the statement does nothing.",
        WILDCARD_IN_SERVICE_NAME: "The service has a wildcard, which takes services to come.",
    }
    true Suggestion {
        ENTRIES_NOT_JUDGED: "The document is too large for all its entries to be held against our tables.",
        MORE_FINDINGS: "There are more findings than are listed.",
        OLD_VERSION: "A document is of Version 2008-10-17.",
        REDUNDANCY_NOT_JUDGED: "The document is too large for all its entries to be compared with each other.",
        REDUNDANT_CONDITION_VALUE: "Another value of the condition covers this one.",
        RESOURCE_WITHOUT_ACTION: "No action of the statement takes a resource like this.",
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, all};

    #[test]
    fn each_check_is_named_once_and_in_upper_snake_case() {
        let mut codes: Vec<_> = all().iter().map(|check| check.code).collect();
        for check in all() {
            let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            assert!(check.code.chars().all(upper), "{}", check.code);
            assert!(check.about.ends_with('.'), "{}", check.code);
        }
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(all().is_sorted_by_key(|check| (check.kind, check.own, check.code)));
        assert!(all().iter().any(|check| check.kind == Kind::Suggestion));
    }
}
