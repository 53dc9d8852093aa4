package process

import (
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	processv1 "bulkhead.dev/guest/internal/gen/process"
	"bulkhead.dev/guest/internal/reap"
)

// proc is one process that was asked for. It runs until it ends by itself or by a signal: no client's connection holds it.
type proc struct {
	info   *processv1.ProcessInfo
	child  *reap.Child
	input  *input
	output *output
	tty    *os.File // nil without a terminal
	pumps  []*pump
}

// files are one process's standard streams: ours to keep, and those of the child, which are closed here once it has them.
type files struct{ ours, childs []*os.File }

func (f *files) closeAll() {
	for _, file := range append(f.ours, f.childs...) {
		_ = file.Close()
	}
}

// start executes cmd. The reader is at the very beginning of the output.
func start(cmd *exec.Cmd, request *processv1.StartRequest, userID uint32) (*proc, *reader, error) {
	p := &proc{output: newOutput(), info: &processv1.ProcessInfo{
		Config: proto.CloneOf(request.GetProcess()), Tag: request.Tag,
	}}
	var held files
	var sources map[streamKind]*os.File
	var err error
	if request.Pty != nil {
		sources, err = p.giveTerminal(cmd, request.GetPty().GetSize(), userID, &held)
	} else {
		sources, err = p.givePipes(cmd, request.Stdin == nil || request.GetStdin(), &held)
	}
	if err == nil {
		p.child, err = reap.Start(cmd)
	}
	if err != nil {
		held.closeAll()
		return nil, nil, startFault(cmd, err)
	}
	for _, file := range held.childs {
		_ = file.Close()
	}
	p.info.Pid = uint32(p.child.Pid)
	first := p.output.join()
	for kind, source := range sources {
		p.pumps = append(p.pumps, startPump(kind, source, p.output))
	}
	return p, first, nil
}

func (p *proc) givePipes(cmd *exec.Cmd, withStdin bool, held *files) (map[streamKind]*os.File, error) {
	sources := map[streamKind]*os.File{}
	for _, target := range []struct {
		kind streamKind
		to   func(*os.File)
	}{{stdout, func(f *os.File) { cmd.Stdout = f }}, {stderr, func(f *os.File) { cmd.Stderr = f }}} {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		held.ours, held.childs = append(held.ours, read), append(held.childs, write)
		sources[target.kind] = read
		target.to(write)
	}
	if !withStdin {
		p.input = newInput(nil, false)
		return sources, nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	held.ours, held.childs = append(held.ours, write), append(held.childs, read)
	cmd.Stdin = read
	p.input = newInput(write, false)
	return sources, nil
}

func (p *proc) giveTerminal(cmd *exec.Cmd, size *processv1.PTY_Size, userID uint32, held *files) (map[streamKind]*os.File, error) {
	master, slave, err := openTerminal()
	if err != nil {
		return nil, err
	}
	held.ours, held.childs = append(held.ours, master), append(held.childs, slave)
	if err := slave.Chown(int(userID), -1); err != nil {
		return nil, err
	}
	p.tty = master
	if size.GetCols() > 0 && size.GetRows() > 0 {
		if err := resize(master, size); err != nil {
			return nil, err
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	p.input = newInput(master, true)
	return map[streamKind]*os.File{terminal: master}, nil
}

// killAt kills the whole group when the time has come, if the process still runs then.
func (p *proc) killAt(deadline time.Time) {
	timer := time.AfterFunc(time.Until(deadline), func() {
		_ = p.child.SignalGroup(unix.SIGKILL) // ended by itself in the meantime
	})
	go func() {
		<-p.child.Done()
		timer.Stop()
	}()
}

// finish waits for the rest of the output after the process has ended, and ends it.
func (p *proc) finish(status unix.WaitStatus) {
	for _, pump := range p.pumps {
		pump.exited()
	}
	for _, pump := range p.pumps {
		<-pump.complete
	}
	p.output.finish(endOf(status))
}

func endOf(status unix.WaitStatus) *processv1.ProcessEvent_EndEvent {
	end := &processv1.ProcessEvent_EndEvent{ExitCode: int32(status.ExitStatus()), Exited: status.Exited()}
	if status.Signaled() {
		end.Status = "signal: " + status.Signal().String()
		if status.CoreDump() {
			end.Status += " (core dumped)"
		}
		end.Signal = processv1.Signal(status.Signal()).Enum()
	} else {
		end.Status = exitStatus(status.ExitStatus())
	}
	if end.ExitCode != 0 {
		end.Error = proto.String(end.Status)
	}
	return end
}
