// Package logformat reads log lines of firewalls into flows.
//
// A [Parser] takes one line at a time and appends a row to a traffic.Builder. What a line says is decided
// in one place: the slow parser of its format locates the values, and the same code turns located values into
// columns, whichever path located them. The fast path ([template]) only locates: it remembers the shape of earlier
// lines and checks every byte of a line against it, so that it finds what the slow parser would find or gives up.
//
// A [Reader] explains a single line in full, for people.
//
// One file a format: cef.go (PAN-OS and Strata CEF), panoscsv.go (PAN-OS native CSV). syslog.go strips what relays
// put in front.
package logformat
