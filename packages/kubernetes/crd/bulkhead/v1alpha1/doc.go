// Package v1alpha1 describes the kinds of bulkhead.dev/v1alpha1, which are ours alone.
// +groupName=bulkhead.dev
package v1alpha1
