package kql

import "strings"

// wordClass says where a word of the language may stand as a name without brackets. The sets are those of the official
// language service (Kusto.Language 12.4.1): a word in none of them may be a name only in brackets, as ['where'].
type wordClass uint8

const (
	// plainWord has no meaning of its own.
	plainWord wordClass = iota
	// nameWord may be a name wherever names stand.
	nameWord
	// columnWord may be a name where a column is declared or named: datatable(title:string), extend title = x.
	columnWord
	// selectorWord may be a name in an expression.
	selectorWord
	// reservedWord is never a name.
	reservedWord
)

// words are the words of the language with their classes.
var words = buildWords(map[wordClass]string{
	plainWord: "",
	nameWord: `access alias bin consume count database declare default distinct entity_group evaluate extend dataformat
		inline_external_table datetime_pattern facet filter fork from getschema edges id best_effort join let limit lookup
		mvapply mvexpand nodes null nulls on optional order output pack parse __partitionby partition pattern plotly graph
		query_parameters range reduce regex render restrict scan serialize sort step summarize take top typeof uuid view
		with with_node_id bool guid`,
	columnWord: `accumulate as by contains datatable earliest externaldata find has in invoke latest materialize mdm of
		print sample sample-distinct search set sql title to toscalar totable top-nested top-hitters verbose viewers where`,
	selectorWord: `kind withsource with_source`,
	reservedWord: `__crossCluster __crossDB __id __isFuzzy __noWithSource __packedColumn __sourceColumnIndex 3Dchart and
		anomalychart areachart asc assert-schema bagexpansion barchart between bin_legacy cachingpolicy callout cancel card
		columnchart commands-and-queries containscs contains_cs __contextual_datatable cycles dataexport datascope
		decodeblocks desc encodingpolicy endswith endswith_cs __executeAndCache expandoutput extent_tags_retention
		external_data first flags granny-asc granny-desc graph-match graph-shortest-paths graph-to-table harddelete
		hardretention has_any has_all has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs hint.concurrency
		hint.distribution hint.materialized hint.num_partitions hint.shufflekey hint.spread hint.remote hint.strategy
		hint.progressive_top hotcache in~ isfuzzy force_remote journal ladderchart last like likecs linechart macro-expand
		make-graph graph-mark-components graph-where-nodes graph-where-edges make-series matches
		materialized-view-combine materialized-views missing mv-apply mv-expand nooptimization !between notcontains
		notcontainscs !contains !contains_cs !endswith !endswith_cs !has !has_cs !hasprefix !hasprefix_cs !hassuffix
		!hassuffix_cs !in !in~ notlike notlikecs !startswith !startswith_cs or others parse-where parse-kv partitioned-by
		pathformat piechart pivotchart project project-away project-by-names __projectAway project-keep project-rename
		project-reorder project-smart queries query_results relaxed restricted_view_access row_level_security rowstore
		rowstore_references rowstore_sealinfo rowstorepolicy rowstores scatterchart seal seals set-or-append
		set-or-replace shards simple softdelete softretention stackedareachart startswith startswith_cs statistics
		storedqueryresultcontainers tablepurge timechart timeline timepivot treemap union unrestrictedviewers views
		with_itemindex with_match_id with_step_name writeaheadlog boolean int8 char uint8 byte int16 uint16 int int32 uint
		uint32 long int64 ulong uint64 float real decimal double string time timespan date datetime uniqueid dynamic`,
})

func buildWords(lists map[wordClass]string) map[string]wordClass {
	all := make(map[string]wordClass, 400)
	for class, list := range lists {
		for word := range strings.FieldsSeq(list) {
			all[word] = class
		}
	}
	return all
}

// wordTails are the rests of words that go on after a letter with a character that is not of names: "mv" goes on with
// "-apply". They are sorted by length, longest first.
var wordTails = buildTails()

func buildTails() map[string][]string {
	tails := map[string][]string{}
	for word := range words {
		if i := strings.IndexAny(word, "-.~"); i > 0 && word[0] != '!' {
			tails[word[:i]] = append(tails[word[:i]], word[i:])
		}
	}
	for _, list := range tails {
		sortByLength(list)
	}
	return tails
}

func sortByLength(list []string) {
	for i := range list {
		for j := i; j > 0 && len(list[j]) > len(list[j-1]); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

// valueTypes are the words that make a literal with a parenthesis right behind them.
var valueTypes = map[string]Type{
	"bool": TypeBool, "int": TypeInt, "int32": TypeInt, "long": TypeLong, "int64": TypeLong, "real": TypeReal,
	"double": TypeReal, "decimal": TypeDecimal, "datetime": TypeDateTime, "date": TypeDateTime,
	"timespan": TypeTimespan, "time": TypeTimespan, "guid": TypeGuid,
}

// typeNames are the names of types in declarations.
var typeNames = map[string]Type{
	"bool": TypeBool, "boolean": TypeBool, "date": TypeDateTime, "datetime": TypeDateTime, "decimal": TypeDecimal,
	"double": TypeReal, "dynamic": TypeDynamic, "guid": TypeGuid, "int": TypeInt, "int64": TypeLong, "int8": TypeBool,
	"long": TypeLong, "real": TypeReal, "string": TypeString, "time": TypeTimespan, "timespan": TypeTimespan,
	"uniqueid": TypeGuid,
}

// castTypes are the further names that typeof takes.
var castTypes = map[string]Type{
	"float": TypeReal, "int16": TypeInt, "int32": TypeInt, "uint": TypeInt, "uint16": TypeInt, "uint32": TypeInt,
	"uint64": TypeLong, "uint8": TypeInt, "ulong": TypeLong,
}

// paramNames are the parameters that any operator may be given.
var paramNames = buildSet(`__crossCluster __crossDB __id __isFuzzy __noWithSource __packedColumn __sourceColumnIndex
	bagexpansion bin_legacy cycles decodeblocks expandoutput force_remote hint.concurrency hint.distribution
	hint.materialized hint.num_partitions hint.pass_filters hint.pass_filters_column hint.progressive_top hint.remote
	hint.shufflekey hint.spread hint.strategy isfuzzy kind with_itemindex with_match_id with_source with_step_name
	withsource best_effort`)

func buildSet(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}

// timespanUnits are the suffixes of a timespan, in ticks of 100 ns; a nanosecond is less than a tick and stands as -100.
var timespanUnits = map[string]int64{
	"d": ticksPerDay, "day": ticksPerDay, "days": ticksPerDay,
	"h": ticksPerHour, "hr": ticksPerHour, "hrs": ticksPerHour, "hour": ticksPerHour, "hours": ticksPerHour,
	"m": ticksPerMinute, "min": ticksPerMinute, "minute": ticksPerMinute, "minutes": ticksPerMinute,
	"s": ticksPerSecond, "sec": ticksPerSecond, "second": ticksPerSecond, "seconds": ticksPerSecond,
	"ms": ticksPerMilli, "milli": ticksPerMilli, "millis": ticksPerMilli, "millisec": ticksPerMilli,
	"millisecond": ticksPerMilli, "milliseconds": ticksPerMilli,
	"micro": ticksPerMicro, "micros": ticksPerMicro, "microsec": ticksPerMicro, "microsecond": ticksPerMicro,
	"microseconds": ticksPerMicro,
	"nano":         nanoUnit, "nanos": nanoUnit, "nanosec": nanoUnit, "nanosecond": nanoUnit, "nanoseconds": nanoUnit,
	"tick": 1, "ticks": 1,
}

const (
	ticksPerMicro  = 10
	ticksPerMilli  = 1000 * ticksPerMicro
	ticksPerSecond = 1000 * ticksPerMilli
	ticksPerMinute = 60 * ticksPerSecond
	ticksPerHour   = 60 * ticksPerMinute
	ticksPerDay    = 24 * ticksPerHour

	nanoUnit = -100
)
