// Package catalog gives queries their tables: it is the schema that they are bound with, and the source of their rows.
//
// CommonSecurityLog holds the records of log files, read as a plan asks for them: the columns that it names and the
// window that it looks at. The functions of ASIM are views over it. Every other table of a Microsoft Sentinel workspace
// is known by its columns and has no rows, unless a file gives them; a query that reads one without rows is warned about
// it. Watchlists and the addresses of externaldata are files too. Nothing is fetched from anywhere.
//
//	c, err := catalog.New(catalog.Options{Paths: []string{"/var/log/firewall"}})
//	p, diags := plan.Bind(query, c, plan.Options{External: true})
//	result, err := stream.Run(ctx, p, c, stream.Options{})
//
// ingestion_time() is TimeGenerated: files do not tell when a record came in.
//
// A Catalog may be used from several goroutines. Rows stand in the order of path and line, whatever the number of
// workers.
package catalog
