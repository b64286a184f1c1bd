// Package enginetest is one corpus of answers for any engine: recorded cases, cases of our own, and random queries that
// are run by two engines and compared.
//
// An engine's test calls it:
//
//	func TestAnswers(t *testing.T) {
//		enginetest.Cases(t, enginetest.Engine{Name: "stream", Run: stream.Run})
//	}
//
// The recorded cases lie beside the project and are told of, not failed, where they are missing. Our own cases lie in
// testdata/cases, each a query in our own words with the rows that the language's documentation asks for.
package enginetest
