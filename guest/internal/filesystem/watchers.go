package filesystem

import (
	"context"
	"crypto/rand"
	"math"
	"sync"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
)

const (
	// maxWatchers bounds what clients that never come back can leave; the kernel's own bound is 128 (fs.inotify.max_user_instances).
	maxWatchers = 64
	// maxPending bounds the events that wait for one client.
	maxPending = 10_000
)

// watchers are those that are polled, by id. They live until they are removed.
type watchers struct {
	mu   sync.Mutex
	byID map[string]*polled
}

// polled collects a watch's events for a client that comes for them from time to time.
type polled struct {
	stop   context.CancelFunc
	mu     sync.Mutex
	events []*filesystemv1.FilesystemEvent
	failed error
}

// CreateWatcher implements filesystem.Filesystem.
func (s *Service) CreateWatcher(_ context.Context, request *connect.Request[filesystemv1.CreateWatcherRequest]) (*connect.Response[filesystemv1.CreateWatcherResponse], error) {
	t, err := s.target(request.Header(), request.Msg.GetPath())
	if err != nil {
		return nil, fault.Connect(err)
	}
	w, err := newWatch(t, watchOptions{request.Msg.GetRecursive(), request.Msg.GetIncludeEntry(), request.Msg.GetAllowNetworkMounts()})
	if err != nil {
		return nil, fault.Connect(err)
	}
	id, err := s.watchers.add(w)
	if err != nil {
		w.close()
	}
	return answer(&filesystemv1.CreateWatcherResponse{WatcherId: id}, err)
}

// GetWatcherEvents implements filesystem.Filesystem. Errors: not_found; what the watch failed with, once all events before were
// fetched; data_loss when there were more than maxPending.
func (s *Service) GetWatcherEvents(_ context.Context, request *connect.Request[filesystemv1.GetWatcherEventsRequest]) (*connect.Response[filesystemv1.GetWatcherEventsResponse], error) {
	p, err := s.watchers.get(request.Msg.GetWatcherId())
	if err != nil {
		return nil, fault.Connect(err)
	}
	events, err := p.take()
	return answer(&filesystemv1.GetWatcherEventsResponse{Events: events}, err)
}

// RemoveWatcher implements filesystem.Filesystem. Errors: not_found.
func (s *Service) RemoveWatcher(_ context.Context, request *connect.Request[filesystemv1.RemoveWatcherRequest]) (*connect.Response[filesystemv1.RemoveWatcherResponse], error) {
	p, err := s.watchers.get(request.Msg.GetWatcherId())
	if err == nil {
		s.watchers.mu.Lock()
		delete(s.watchers.byID, request.Msg.GetWatcherId())
		s.watchers.mu.Unlock()
		p.stop()
	}
	return answer(&filesystemv1.RemoveWatcherResponse{}, err)
}

// add takes the watch over, unless it fails.
func (ws *watchers) add(w *watch) (id string, err error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if len(ws.byID) >= maxWatchers {
		return "", fault.New(connect.CodeResourceExhausted, "%d watchers exist already: remove some", maxWatchers)
	}
	if ws.byID == nil {
		ws.byID = map[string]*polled{}
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &polled{stop: stop}
	id = rand.Text()
	ws.byID[id] = p
	go func() {
		defer w.close()
		err := w.run(ctx, math.MaxInt64, p.tell, nil)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.failed = err
	}()
	return id, nil
}

func (ws *watchers) get(id string) (*polled, error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if p, ok := ws.byID[id]; ok {
		return p, nil
	}
	return nil, fault.New(connect.CodeNotFound, "no watcher %q", id)
}

func (p *polled) tell(event *filesystemv1.FilesystemEvent) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.events) == maxPending {
		return fault.New(connect.CodeDataLoss, "more than %d changes since they were last fetched: make a new watcher", maxPending)
	}
	p.events = append(p.events, event)
	return nil
}

func (p *polled) take() ([]*filesystemv1.FilesystemEvent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	events := p.events
	p.events = nil
	if len(events) == 0 && p.failed != nil {
		return nil, p.failed
	}
	return events, nil
}
