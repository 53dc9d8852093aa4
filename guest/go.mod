module bulkhead.dev/guest

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	github.com/fsnotify/fsnotify v1.10.1
	github.com/kballard/go-shellquote v0.0.0-20180428030007-95032a82bc51
	golang.org/x/sys v0.49.0
	google.golang.org/protobuf v1.36.12
)
