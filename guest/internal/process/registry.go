package process

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"sync"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	processv1 "bulkhead.dev/guest/internal/gen/process"
)

// maxUnheard is how many ended processes wait for somebody to fetch their end. Older ones are forgotten.
const maxUnheard = 64

// registry knows the processes that run, and the last ones that ended with nobody there to hear it.
type registry struct {
	mu      sync.Mutex
	started uint64
	running map[uint32]entry
	unheard []*proc
}

type entry struct {
	*proc
	number uint64 // order of start
}

func exitStatus(code int) string { return "exit status " + strconv.Itoa(code) }

// add takes p in and follows it until it has ended.
func (r *registry) add(p *proc) {
	r.mu.Lock()
	if r.running == nil {
		r.running = map[uint32]entry{}
	}
	r.started++
	mine := entry{p, r.started}
	r.running[p.info.Pid] = mine
	r.mu.Unlock()
	go func() {
		status := p.child.Wait()
		r.ended(mine)
		p.input.exited()
		p.finish(status)
	}()
}

func (r *registry) ended(e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// The number may belong to a new process already.
	if r.running[e.info.Pid] == e {
		delete(r.running, e.info.Pid)
	}
	r.unheard = slices.DeleteFunc(r.unheard, func(p *proc) bool { return !p.output.unheard() })
	if len(r.unheard) >= maxUnheard {
		r.unheard = slices.Delete(r.unheard, 0, 1)
	}
	r.unheard = append(r.unheard, e.proc)
}

// list is what runs, oldest first.
func (r *registry) list() []*processv1.ProcessInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	infos := []*processv1.ProcessInfo{}
	for _, e := range r.byAge() {
		infos = append(infos, e.info)
	}
	return infos
}

func (r *registry) byAge() []entry {
	return slices.SortedFunc(maps.Values(r.running), func(a, b entry) int { return cmp.Compare(a.number, b.number) })
}

// find gives the running process that is meant; of several with one tag, the newest. Errors: not_found, invalid_argument.
func (r *registry) find(selector *processv1.ProcessSelector) (*proc, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	matches, err := matcher(selector)
	if err != nil {
		return nil, err
	}
	for _, e := range slices.Backward(r.byAge()) {
		if matches(e.proc) {
			return e.proc, nil
		}
	}
	return nil, notRunning(selector)
}

// findForReader is find, and takes a process that ended unheard, too.
func (r *registry) findForReader(selector *processv1.ProcessSelector) (*proc, error) {
	p, err := r.find(selector)
	if err == nil || connect.CodeOf(fault.Connect(err)) != connect.CodeNotFound {
		return p, err
	}
	matches, _ := matcher(selector)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range slices.Backward(r.unheard) {
		if matches(p) && p.output.unheard() {
			return p, nil
		}
	}
	return nil, err
}

func matcher(selector *processv1.ProcessSelector) (func(*proc) bool, error) {
	switch by := selector.GetSelector().(type) {
	case *processv1.ProcessSelector_Pid:
		return func(p *proc) bool { return p.info.Pid == by.Pid }, nil
	case *processv1.ProcessSelector_Tag:
		return func(p *proc) bool { return p.info.Tag != nil && *p.info.Tag == by.Tag }, nil
	}
	return nil, fault.New(connect.CodeInvalidArgument, "the request names no process: give its pid or tag")
}

func notRunning(selector *processv1.ProcessSelector) error {
	if by, ok := selector.GetSelector().(*processv1.ProcessSelector_Pid); ok {
		return fault.New(connect.CodeNotFound, "no process with pid %d runs", by.Pid)
	}
	return fault.New(connect.CodeNotFound, "no process with tag %q runs", selector.GetTag())
}
