// Command holder stands between the server and a kernel's first process, on the host.
//
//	holder enter [--cgroup DIR…] [--user ID] [--max-file-bytes N] [--descriptors N] -- PROGRAM ARGS…
//	    joins the cgroups, gives up its rights and becomes PROGRAM.
//	holder hold --listen SOCK --control SOCK --log FILE [--user ID] -- PROGRAM ARGS…
//	    keeps the byte stream into PROGRAM open while servers come and go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"bulkhead.dev/guest/internal/holder"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "holder:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("usage: holder enter|hold …")
	}
	flags := flag.NewFlagSet("holder "+arguments[0], flag.ContinueOnError)
	switch arguments[0] {
	case "enter":
		var entry holder.Entry
		flags.Func("cgroup", "a cgroup's folder to join; may be given again", func(folder string) error {
			entry.Cgroups = append(entry.Cgroups, folder)
			return nil
		})
		flags.IntVar(&entry.User, "user", 0, "uid and gid to become, for good; 0: none")
		flags.Uint64Var(&entry.MaxFileBytes, "max-file-bytes", 0, "bound of every file the program writes; 0: none")
		flags.IntVar(&entry.Descriptors, "descriptors", 0, "how many descriptors, from 0 up, the program is given; 0: all")
		if err := parse(flags, arguments[1:]); err != nil {
			return err
		}
		entry.Command = flags.Args()
		return holder.Enter(entry)
	case "hold":
		var options holder.Options
		flags.StringVar(&options.Listen, "listen", "", "Unix socket for the stream")
		flags.StringVar(&options.Control, "control", "", "Unix socket that tells how the program ended")
		flags.StringVar(&options.Log, "log", "", "file for the program's output")
		flags.IntVar(&options.User, "user", 0, "uid and gid to become, for good, once the program runs; 0: none")
		if err := parse(flags, arguments[1:]); err != nil {
			return err
		}
		options.Command = flags.Args()
		return holder.Hold(options)
	}
	return fmt.Errorf("%q is neither enter nor hold", arguments[0])
}

func parse(flags *flag.FlagSet, arguments []string) error {
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("no program given")
	}
	return nil
}
