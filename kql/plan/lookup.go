package plan

import (
	"slices"

	"drumbeat/kql"
)

// allPrefixes are the lengths of the prefixes of an IPv4 address.
const allPrefixes = "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32]"

// ipv4Lookup joins a table of networks by the addresses in them: of each row there is one row for each network that its
// address lies in. An address lies in 33 networks, one of each length, so that each row becomes as many, and these are
// joined to the table by the text of the network.
func (b *binder) ipv4Lookup(c *ctx, op *kql.Evaluate) *rel {
	args := op.Call.Args
	args, unmatched, ok := b.unmatchedOption(args)
	if !ok {
		return badRel()
	}
	if len(args) < 3 {
		b.report(CodeArguments, op.Call.Span, "ipv4_lookup lacks arguments", "write ipv4_lookup(Table, AddressColumn, NetworkColumn[, KeyColumn, …])")
		return badRel()
	}
	if unmatched || op.Schema || b.opt.official {
		what := "ipv4_lookup with the columns of its result"
		if unmatched {
			what = "ipv4_lookup with return_unmatched"
		}
		b.unsupported(op.Call.Span, what)
		return badRel()
	}
	right := b.table(c.env, args[0])
	rc := &ctx{env: c.env, row: right}
	address, network := b.text(c, args[1], "ipv4_lookup"), b.text(rc, args[2], "ipv4_lookup")
	var on []JoinKey
	rcols := right.cols
	for _, x := range args[3:] {
		name, isName := kql.Unparen(x).(*kql.Name)
		if !isName {
			b.report(kql.CodeExpected, x.Range(), "the name of a column that both tables have must stand here", "")
			return badRel()
		}
		on = append(on, b.joinKeys(&ctx{env: c.env, row: c.row, right: right}, name)...)
		rcols = slices.DeleteFunc(slices.Clone(rcols), func(col Column) bool { return col.Name == name.Text })
	}
	switch {
	case c.row.op == nil || right.op == nil || address == nil || network == nil:
		return badRel()
	case right.wide || c.row.wide:
		b.unsupported(op.Call.Span, "ipv4_lookup with an open table")
		return badRel()
	}
	text := func(fn Fn, args ...Expr) *Call {
		return &Call{Info: typed(kql.TypeString, true, false), Fn: fn, Args: args}
	}
	is := func(fn Fn, args ...Expr) *Call {
		return &Call{Info: typed(kql.TypeBool, true, false), Fn: fn, Args: args}
	}
	length := b.newCol("prefix", kql.TypeLong, false)
	around := text(FnFormatIpv4Mask, address, length.ref())
	own := text(FnFormatIpv4Mask, network, longLit(32))
	rows := &MvExpand{
		Input: c.row.op, Cols: append(slices.Clone(c.row.cols), length),
		Items: []MvItem{{Col: length, X: &Lit{Info: typed(kql.TypeDynamic, true, true), Str: allPrefixes}}},
	}
	// A network that stands for an address is in none that is smaller.
	end := text(FnStrcat, textLit("/"), &Call{Info: typed(kql.TypeString, true, false), Fn: FnTostring, Args: []Expr{length.ref()}})
	j := &Join{
		Kind: Inner, Lookup: true, Cols: b.bothSides(c.row.cols, rcols, Inner),
		Left:  &Filter{Input: rows, Pred: is(FnEndsWithCS, around, end)},
		Right: &Filter{Input: right.op, Pred: is(FnIsnotempty, own)},
		On:    append([]JoinKey{{Left: around, Right: own, Type: kql.TypeString}}, on...),
	}
	return &rel{op: j, cols: j.Cols}
}

// text binds an argument that must be a string, or reports it and gives nil.
func (b *binder) text(c *ctx, x kql.Expr, what string) Expr {
	v := b.scalar(c, x)
	switch t := TypeOf(v); {
	case t == kql.TypeString:
		return v
	case t != kql.TypeUnknown:
		b.report(CodeTypes, x.Range(), what+" takes a string here, not "+t.String(), "")
	}
	return nil
}

// unmatchedOption takes return_unmatched, the last argument, which may have its name or not.
func (b *binder) unmatchedOption(args []kql.Expr) (rest []kql.Expr, unmatched, ok bool) {
	if len(args) == 0 {
		return args, false, true
	}
	last := args[len(args)-1]
	named, isNamed := last.(*kql.Named)
	x := last
	if isNamed {
		x = named.X
	}
	lit, isBool := kql.Unparen(x).(*kql.Literal)
	isBool = isBool && lit.Type == kql.TypeBool && !lit.Null
	switch {
	case isNamed && (len(named.Names) != 1 || named.Names[0].Text != "return_unmatched"):
		b.report(CodeArguments, last.Range(), "ipv4_lookup has no such argument", "it has return_unmatched")
		return nil, false, false
	case isNamed && !isBool:
		b.report(CodeConstant, x.Range(), "true or false must stand here", "")
		return nil, false, false
	case isBool:
		return args[:len(args)-1], lit.Bool, true
	}
	return args, false, true
}
