// Package traffic holds flows: what firewalls said about network sessions, as columns.
//
// A [Batch] is a struct of slices that a parser fills through a [Builder] and that is read-only once it is handed
// on. Repeated text (devices, users) stands as codes into the batch's own [Dict], so a batch has no pointers per row
// and can be recycled without work for the collector. Times are ticks: units of 100 ns since 0001-01-01 UTC, the
// unit of KQL's datetime.
//
// The names of CommonSecurityLog columns are used where a column holds what Microsoft Sentinel would show for the
// same record.
package traffic
