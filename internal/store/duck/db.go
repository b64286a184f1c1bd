//go:build cgo

package duck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"drumbeat/internal/sqlgen"
	"drumbeat/kql/plan"
)

// Options are how a database is opened.
type Options struct {
	// Memory is what the database may hold, in bytes; 0 leaves it to DuckDB. What is more goes to files in Temp, or ends
	// the query where there is no such folder.
	Memory int64
	// Temp is a folder for such files, or "".
	Temp string
	// Threads is how many a query may use; 0 is one for each processor.
	Threads int
	// Folders hold the Parquet files that queries may read.
	Folders []string
}

// DB is a DuckDB.
type DB struct {
	db      *sql.DB
	dialect *sqlgen.Dialect
	memory  int64
	widest  width

	steps rowSteps
	runs  atomic.Int64

	mu    sync.Mutex
	funcs map[string]bool // Go functions that the database knows
}

// Open makes an empty database in memory and locks its settings.
func Open(o Options) (*DB, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("duck: opening: %w", err)
	}
	d := &DB{db: sql.OpenDB(connector), dialect: sqlgen.DuckDB(), memory: o.Memory, widest: widest(o.Memory), funcs: map[string]bool{}}
	d.steps.byID = map[string]plan.Op{}
	if err := d.setup(context.Background(), o); err != nil {
		return nil, errors.Join(fmt.Errorf("duck: opening: %w", err), d.db.Close())
	}
	return d, nil
}

// Close ends the database. No query may be running.
func (d *DB) Close() error { return d.db.Close() }

func (d *DB) setup(ctx context.Context, o Options) error {
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := errors.Join(registerLists(conn, d.widest), d.steps.register(conn, d.widest)); err != nil {
		return err
	}
	for _, text := range append(append([]string(nil), d.dialect.Setup...), settings(o)...) {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// settings are the statements that bound the database. The last one makes them final.
func settings(o Options) []string {
	var list []string
	if o.Memory > 0 {
		list = append(list, "set memory_limit = '"+strconv.FormatInt(o.Memory/1024, 10)+"KiB'")
	}
	if o.Threads > 0 {
		list = append(list, "set threads = "+strconv.Itoa(o.Threads))
	}
	list = append(list, "set temp_directory = "+quote(o.Temp))
	folders := make([]string, 0, len(o.Folders)+1)
	for _, f := range o.Folders {
		folders = append(folders, quote(f))
	}
	if o.Temp != "" {
		folders = append(folders, quote(o.Temp))
	}
	return append(
		list,
		"set autoinstall_known_extensions = false",
		"set autoload_known_extensions = false",
		"set allow_community_extensions = false",
		"set allowed_directories = ["+strings.Join(folders, ", ")+"]",
		"set enable_external_access = false",
		"set lock_configuration = true",
	)
}

// quote writes a text as SQL does.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
