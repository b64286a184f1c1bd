// Command duck has DuckDB read a log: the part of the comparison that needs
// DuckDB's library and so cgo. It is a program of its own to keep the harness
// small, which a child's memory is measured against.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	_ "github.com/duckdb/duckdb-go/v2"

	"drumbeat/bench/totals"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "duck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("duck", flag.ContinueOnError)
	name := flags.String("way", "column", "read the file this `WAY`: column, struct, csv-9 or csv-14")
	threads := flags.Int("threads", 2, "use so `MANY` threads")
	distinct := flags.Bool("distinct", false, "count distinct values as well")
	show := flags.Bool("sql", false, "print the query and do not run it")
	version := flags.Bool("version", false, "print DuckDB's version")
	if err := flags.Parse(args); err != nil {
		return err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if *version {
		var text string
		if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&text); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, text)
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: duck [FLAG…] FILE")
	}
	for _, w := range ways() {
		if w.name != *name {
			continue
		}
		query := w.query(flags.Arg(0), *distinct)
		if *show {
			_, err := fmt.Fprintln(out, query)
			return err
		}
		return sum(ctx, db, w, query, *threads, out)
	}
	return fmt.Errorf("no way is called %q", *name)
}

// sum runs a query and prints its totals.
func sum(ctx context.Context, db *sql.DB, w way, query string, threads int, out io.Writer) error {
	if _, err := db.ExecContext(ctx, fmt.Sprintf("SET threads = %d", threads)); err != nil {
		return err
	}
	var t totals.Totals
	into := []any{
		&t.Records, &t.In, &t.Out, &t.SourcePorts, &t.Ports, &t.First, &t.Last, &t.SourceText, &t.DestText,
		&t.DeviceText, &t.UserText, &t.Seconds, &t.Sources, &t.Destinations, &t.Devices,
	}
	for range len(w.moreNumbers) + len(w.moreTexts) {
		into = append(into, new(int64))
	}
	if err := db.QueryRowContext(ctx, query).Scan(into...); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(t)
}
