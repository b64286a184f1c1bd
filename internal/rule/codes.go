package rule

import "drumbeat/kql"

// The codes of remarks on rule files. Those on queries have the codes of the packages kql and plan.
const (
	CodeTooLarge   kql.Code = "RULE001" // a limit on files is passed
	CodeYAML       kql.Code = "RULE002" // the file is not YAML, or not JSON
	CodeNotRule    kql.Code = "RULE003" // the file is not a rule
	CodeMissing    kql.Code = "RULE004" // a key is missing
	CodeValue      kql.Code = "RULE005" // the value of a key is wrong
	CodeLimit      kql.Code = "RULE006" // a value is beyond what Sentinel takes
	CodeUnknownKey kql.Code = "RULE007" // a key that means nothing
	CodeStyle      kql.Code = "RULE008" // advice
	CodeEntity     kql.Code = "RULE009" // an entity mapping that Sentinel would not take
	CodeColumn     kql.Code = "RULE010" // a column that the query does not give
	CodeQuery      kql.Code = "RULE011" // a query that Sentinel would not take as a rule
	CodeDuplicate  kql.Code = "RULE012" // an id that another rule has
)
