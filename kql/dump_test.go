package kql

import (
	"fmt"
	"reflect"
	"strings"
)

// dump writes a tree for goldens and comparisons: a node a line, without positions. Fields of no value are left out.
func dump(n any) string {
	var b strings.Builder
	dumpValue(&b, reflect.ValueOf(n), "", 0)
	return b.String()
}

func dumpValue(b *strings.Builder, v reflect.Value, label string, level int) {
	pad := strings.Repeat("  ", level) + label
	switch v.Kind() { //nolint:exhaustive // a tree has no others
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			dumpValue(b, v.Elem(), label, level)
		}
	case reflect.Slice:
		for i := range v.Len() {
			dumpValue(b, v.Index(i), label, level)
		}
	case reflect.Struct:
		line, deep := scalars(v)
		fmt.Fprintf(b, "%s%s%s\n", pad, v.Type().Name(), line)
		for _, i := range deep {
			dumpValue(b, v.Field(i), v.Type().Field(i).Name+" ", level+1)
		}
	default:
		fmt.Fprintf(b, "%s%#v\n", pad, v.Interface())
	}
}

// scalars gives the fields of a node that are no nodes, as text, and the numbers of the others.
func scalars(v reflect.Value) (line string, deep []int) {
	for i := range v.NumField() {
		f, t := v.Field(i), v.Type().Field(i)
		if !t.IsExported() || t.Type == reflect.TypeFor[Span]() || f.IsZero() {
			continue
		}
		switch f.Kind() { //nolint:exhaustive // a tree has no others
		case reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Struct:
			deep = append(deep, i)
		case reflect.String:
			line += fmt.Sprintf(" %s=%q", t.Name, f.String())
		default:
			line += fmt.Sprintf(" %s=%v", t.Name, f.Interface())
		}
	}
	return line, deep
}
