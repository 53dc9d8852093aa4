// The first process of pods and of the cluster's machines. `bulkhead cluster up` builds it with: go build .
module bulkhead.dev/tools/cluster/pause

go 1.21
