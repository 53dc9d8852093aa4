package process

import (
	"context"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"bulkhead.dev/guest/internal/fault"
	processv1 "bulkhead.dev/guest/internal/gen/process"
	"bulkhead.dev/guest/internal/keepalive"
)

// client is what the way of sending depends on.
type client struct {
	pingInterval time.Duration
	// extended: the client speaks binary protobuf, and so is none that refuses JSON fields it does not know.
	extended bool
}

func clientOf(header http.Header) client {
	return client{keepalive.Interval(header), strings.HasSuffix(header.Get("Content-Type"), "proto")}
}

// follow sends start, then output as it comes, then the end; a keepalive when nothing was sent for a while. It returns when the end
// was sent, the client has gone, or the context is over. The reader leaves with it.
func follow(ctx context.Context, p *proc, r *reader, to client, send func(*processv1.ProcessEvent) error) error {
	defer r.leave()
	if err := send(&processv1.ProcessEvent{Event: &processv1.ProcessEvent_Start{Start: &processv1.ProcessEvent_StartEvent{Pid: p.info.Pid}}}); err != nil {
		return err
	}
	quiet := time.NewTimer(to.pingInterval)
	defer quiet.Stop()
	for {
		kind, data, end := r.take()
		switch {
		case data != nil:
			if err := send(dataEvent(kind, data)); err != nil {
				return err
			}
			quiet.Reset(to.pingInterval)
			continue
		case end != nil:
			if err := send(endEvent(end, to)); err != nil {
				return err
			}
			r.delivered()
			return nil
		}
		select {
		case <-r.wake:
		case <-quiet.C:
			if err := send(&processv1.ProcessEvent{Event: &processv1.ProcessEvent_Keepalive{Keepalive: &processv1.ProcessEvent_KeepAlive{}}}); err != nil {
				return err
			}
			quiet.Reset(to.pingInterval)
		case <-ctx.Done():
			return fault.Context(ctx)
		}
	}
}

func dataEvent(kind streamKind, data []byte) *processv1.ProcessEvent {
	event := &processv1.ProcessEvent_DataEvent{}
	switch kind {
	case stdout:
		event.Output = &processv1.ProcessEvent_DataEvent_Stdout{Stdout: data}
	case stderr:
		event.Output = &processv1.ProcessEvent_DataEvent_Stderr{Stderr: data}
	case terminal:
		event.Output = &processv1.ProcessEvent_DataEvent_Pty{Pty: data}
	}
	return &processv1.ProcessEvent{Event: &processv1.ProcessEvent_Data{Data: event}}
}

func endEvent(end *processv1.ProcessEvent_EndEvent, to client) *processv1.ProcessEvent {
	if !to.extended && end.Signal != nil {
		end = proto.CloneOf(end)
		end.Signal = nil
	}
	return &processv1.ProcessEvent{Event: &processv1.ProcessEvent_End{End: end}}
}
