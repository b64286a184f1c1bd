// Package report writes the page of `scan --report`: one HTML file with everything in it, no script and no request to
// anywhere. Its input is plain structs, which the caller fills with what a scan found; [Write] writes the page.
//
// Text from logs is an attacker's text. All of it goes through html/template, and before that through
// [table.Printable], so that markup stays text and controls, bidi marks and bytes that are not UTF-8 are shown as
// escapes. The page carries a policy that forbids scripts, images and connections, whatever it may hold.
//
// The package keeps nothing and reads no clock: the same Report gives the same bytes.
package report
