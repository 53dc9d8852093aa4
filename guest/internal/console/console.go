// Package console writes to the machine's console: the serial line in QEMU, the sandbox's log in gVisor. The host keeps only so much of
// it; one line for what matters, nothing for what goes well.
package console

import (
	"fmt"
	"os"
	"strings"
)

// Printf writes one line. Control characters in it are blanked: what the guest says must not move a reader's cursor.
func Printf(format string, args ...any) {
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, fmt.Sprintf(format, args...))
	// There is nowhere to report a failure to.
	_, _ = fmt.Fprintf(os.Stderr, "bulkhead: %s\n", line)
}
