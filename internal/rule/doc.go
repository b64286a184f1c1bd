// Package rule reads, checks, runs, explains and tests rules in the form of Microsoft Sentinel.
//
// A rule file is Sentinel's own YAML, or an ARM template, unchanged: [Read] finds the rules in it and says what is wrong,
// each remark with its place in the file, those about a query too. [Rule.Compile] binds the query to the tables that there
// are. [Program.Run] runs it as Sentinel would at one scheduled time: the window [T-queryPeriod, T] on every table that
// has TimeGenerated, now() frozen to T, then the trigger condition and the alerts. [Times] gives the scheduled times.
//
// Nothing here reads a clock or a file, and nothing knows an engine: plans go through a [Querier] that is handed in. A
// Rule and a Program do not change once they are made, and may be used from several goroutines.
package rule
