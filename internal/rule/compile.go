package rule

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Querier runs a plan over the rows of a window, with now() at a time in ticks. A result that a limit has cut comes with
// the error that says so.
type Querier func(ctx context.Context, p *plan.Plan, w plan.Window, now int64) (*table.Table, error)

// Program is a rule whose query is bound to tables.
type Program struct {
	Rule *Rule
	// Plan is the query without the window of a run.
	Plan *plan.Plan

	query  *kql.Query
	schema plan.Schema
}

// Compile binds the query. The spans of the remarks are in the text of the rule's file. With an error among them there is
// no program, nor is there for a rule without a query, of which the remarks on its file tell.
func (r *Rule) Compile(s plan.Schema) (*Program, kql.Diagnostics) {
	if strings.TrimSpace(r.Query) == "" {
		return nil, nil
	}
	q, diags := kql.Parse(r.Query)
	var p *plan.Plan
	if !diags.HasErrors() {
		var more kql.Diagnostics
		p, more = plan.Bind(q, s, plan.Options{External: true})
		diags = append(diags, more...)
	}
	for i := range diags {
		diags[i].Span = r.place.span(diags[i].Span)
	}
	if p == nil {
		diags.Sort()
		return nil, diags
	}
	diags = append(diags, r.checkResult(p)...)
	diags = append(diags, r.checkSources(q)...)
	diags.Sort()
	return &Program{Rule: r, Plan: p, query: q, schema: s}, diags
}

// checkResult warns of columns that the rule wants and the query does not give.
func (r *Rule) checkResult(p *plan.Plan) kql.Diagnostics {
	var diags kql.Diagnostics
	if p.Open {
		return nil
	}
	names := make([]string, len(p.Out))
	have := map[string]bool{}
	for i, c := range p.Out {
		names[i] = c.Name
		have[c.Name] = true
	}
	r.columns(func(column string, at kql.Span, what string) {
		if column == "" || have[column] {
			return
		}
		hint := ""
		if near := nearest(column, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		diags = append(diags, kql.Diagnostic{
			Span: at, Code: CodeColumn, Severity: kql.Warning, Hint: hint,
			Message: fmt.Sprintf("%s is to be made of the column %q, which the query does not give", what, column),
		})
	})
	return diags
}

// checkSources warns of what Sentinel does not take as the query of a rule: search and union over all tables.
func (r *Rule) checkSources(q *kql.Query) kql.Diagnostics {
	if r.Kind == Hunting {
		return nil
	}
	var diags kql.Diagnostics
	for _, p := range pipes(q) {
		for i, op := range p.Ops {
			bad := ""
			switch op := op.(type) { //nolint:exhaustive // the others are no sources
			case *kql.Search:
				if i == 0 && p.Source == nil && len(op.Tables) == 0 {
					bad = "search without tables"
				}
			case *kql.Union:
				if slices.ContainsFunc(op.Tables, isAll) {
					bad = "union *"
				}
			}
			if bad != "" {
				diags = append(diags, kql.Diagnostic{
					Span: r.place.span(op.Range()), Code: CodeQuery, Severity: kql.Warning, Message: "Sentinel takes no rule with " + bad,
				})
			}
		}
	}
	return diags
}

func isAll(x kql.Expr) bool {
	w, ok := x.(*kql.Wildcard)
	return ok && w.Pattern == "*"
}

// pipes gives the query's own pipelines, not those within expressions.
func pipes(q *kql.Query) []*kql.Pipe {
	var out []*kql.Pipe
	add := func(x kql.Expr) {
		if p, ok := kql.Unparen(x).(*kql.Pipe); ok {
			out = append(out, p)
		}
	}
	for _, s := range q.Statements {
		switch s := s.(type) { //nolint:exhaustive // the others have no table
		case *kql.LetStatement:
			add(s.Value)
		case *kql.ExprStatement:
			add(s.X)
		}
	}
	return out
}

// Own gives those remarks of a file that are on this rule, where it holds several.
func (r *Rule) Own(diags kql.Diagnostics) kql.Diagnostics {
	var out kql.Diagnostics
	for _, d := range diags {
		if d.Span.From >= r.root.span.From && (r.end == 0 || d.Span.From < r.end) {
			out = append(out, d)
		}
	}
	return out
}

// Duplicate is the remark that another file has a rule of the same id.
func (r *Rule) Duplicate(file string) kql.Diagnostic {
	at := r.root.span
	if id := r.root.get("id"); id != nil && id.span != (kql.Span{}) {
		at = id.span
	}
	return kql.Diagnostic{Span: at, Code: CodeDuplicate, Severity: kql.Warning, Message: "the id is that of a rule in " + file + " too"}
}
