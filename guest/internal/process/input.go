package process

import (
	"context"
	"errors"
	"os"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
)

// endOfFile is what a terminal takes as the end of its input, unless its program chose another character (VEOF).
const endOfFile = "\x04"

// input is a process's stdin: a pipe, a terminal, or nothing. One call writes at a time, in the order of arrival.
type input struct {
	// turn holds the right to write.
	turn chan struct{}
	file *os.File // nil: /dev/null
	tty  bool
}

func newInput(file *os.File, tty bool) *input {
	in := &input{make(chan struct{}, 1), file, tty}
	in.turn <- struct{}{}
	return in
}

// write returns once all data is in the pipe: a process that does not read makes it wait. The context ends that; what was written till
// then stays written. Errors: failed_precondition when stdin is closed, by either side, or there is none.
func (in *input) write(ctx context.Context, data []byte) error {
	if in.file == nil {
		return fault.New(connect.CodeFailedPrecondition, "the process was started without stdin")
	}
	release, err := in.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	unblock := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(unblock)
		_ = in.file.SetWriteDeadline(time.Unix(1, 0)) // fails only for a closed file, where no write waits
	})
	defer func() {
		if !stop() {
			<-unblock
			_ = in.file.SetWriteDeadline(time.Time{})
		}
	}()
	_, err = in.file.Write(data)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return context.Cause(ctx)
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.EIO), errors.Is(err, os.ErrClosed):
		return fault.New(connect.CodeFailedPrecondition, "stdin of the process is closed")
	}
	return err
}

// closeStdin lets the process see the end of its input, after what was written before. Again is no error.
func (in *input) closeStdin(ctx context.Context) error {
	if in.file == nil {
		return nil
	}
	if in.tty {
		return in.write(ctx, []byte(endOfFile))
	}
	release, err := in.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := in.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// exited frees who still writes. A terminal's file is closed by its pump.
func (in *input) exited() {
	if in.file != nil && !in.tty {
		_ = in.file.Close() // closed already when the client did it
	}
}

func (in *input) acquire(ctx context.Context) (release func(), err error) {
	select {
	case <-in.turn:
		return func() { in.turn <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
