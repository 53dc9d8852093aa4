package holder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxLogBytes bounds the program's output that is kept. The guest can write as much of it as it likes: what is more is dropped.
const maxLogBytes = 1 << 20

// dropPause is how long the program may fill the pipe between two looks at what is dropped. Dropping costs this process time, which no
// cgroup of the program's bounds; so it gets through a pipe's capacity in each of these, 13 MB a second, and a flood waits.
const dropPause = 5 * time.Millisecond

// log copies a pipe into a file.
type log struct {
	// input is the program's end; to be closed here once the program has it.
	input *os.File
	done  chan error
}

func startLog(path string) (*log, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	output, input, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	l := &log{input: input, done: make(chan error, 1)}
	go func() {
		defer output.Close()
		err := keep(file, output)
		l.done <- errors.Join(err, file.Close())
	}()
	return l, nil
}

// keep copies the first maxLogBytes and reads on to the end. A full disk loses the log, not the program.
func keep(file io.Writer, output io.Reader) error {
	_, writeErr := io.Copy(file, io.LimitReader(output, maxLogBytes))
	return errors.Join(writeErr, drop(output))
}

func drop(output io.Reader) error {
	for buffer := make([]byte, 64<<10); ; time.Sleep(dropPause) {
		_, err := output.Read(buffer)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// end waits for the end of the output, at most for grace: something that the program has started may hold the pipe open.
func (l *log) end(grace time.Duration) error {
	select {
	case err := <-l.done:
		return err
	case <-time.After(grace):
		return nil
	}
}
