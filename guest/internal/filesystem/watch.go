package filesystem

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"connectrpc.com/connect"
	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
	"bulkhead.dev/guest/internal/users"
)

// maxWatchedFolders bounds one recursive watch: each folder costs kernel memory.
const maxWatchedFolders = 8192

// watch tells what changes in a folder. The kernel keeps the events until they are read, up to a bound
// (/proc/sys/fs/inotify/max_queued_events); what is more is reported as data_loss, not silently missing.
type watch struct {
	target
	options watchOptions
	notify  *fsnotify.Watcher
	names   *users.Names
	// folders that are watched, at most.
	folders int
}

type watchOptions struct{ recursive, entries, networkMounts bool }

// kinds of events, in the order in which those of one change are told.
var kinds = []struct {
	op   fsnotify.Op
	kind filesystemv1.EventType
}{
	{fsnotify.Create, filesystemv1.EventType_EVENT_TYPE_CREATE},
	{fsnotify.Write, filesystemv1.EventType_EVENT_TYPE_WRITE},
	{fsnotify.Remove, filesystemv1.EventType_EVENT_TYPE_REMOVE},
	{fsnotify.Rename, filesystemv1.EventType_EVENT_TYPE_RENAME},
	{fsnotify.Chmod, filesystemv1.EventType_EVENT_TYPE_CHMOD},
}

// newWatch collects events from when it returns. It must be closed.
// Errors: invalid_argument when path is no folder; failed_precondition for a network mount; resource_exhausted.
func newWatch(t target, options watchOptions) (*watch, error) {
	w := &watch{target: t, options: options, names: users.ReadNames()}
	err := t.user.Act(func() error {
		info, err := os.Stat(t.path)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fault.New(connect.CodeInvalidArgument, "%s is not a folder", t.path)
		}
		if remote, err := onNetwork(t.path); err != nil || remote && !options.networkMounts {
			return errors.Join(err, fault.New(connect.CodeFailedPrecondition,
				"%s is on a network mount, where changes made elsewhere are not seen: allow network mounts to watch it all the same", t.path))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if w.notify, err = fsnotify.NewWatcher(); err != nil {
		return nil, err
	}
	if err := t.user.Act(func() error { return w.add(t.path, nil) }); err != nil {
		_ = w.notify.Close()
		return nil, err
	}
	return w, nil
}

func (w *watch) close() { _ = w.notify.Close() } // its errors are of descriptors that go away either way

// add watches a folder, and those below when recursive; seen hears of everything found below. Called as the user.
func (w *watch) add(folder string, seen func(path string) error) error {
	if w.folders == maxWatchedFolders {
		w.folders = len(w.notify.WatchList()) // those that went since were not counted down
	}
	if w.folders >= maxWatchedFolders {
		return fault.New(connect.CodeResourceExhausted, "more than %d folders to watch below %s", maxWatchedFolders, w.path)
	}
	// Linux asks for the right to read, gVisor does not.
	if err := unix.Faccessat(unix.AT_FDCWD, folder, unix.R_OK, unix.AT_EACCESS); err != nil {
		return &fs.PathError{Op: "watch", Path: folder, Err: err}
	}
	if err := w.notify.Add(folder); err != nil {
		if errors.Is(err, unix.ENOSPC) {
			return fault.New(connect.CodeResourceExhausted, "the guest's kernel watches as many folders as it may (fs.inotify.max_user_watches)")
		}
		return err
	}
	w.folders++
	if !w.options.recursive {
		return nil
	}
	return w.addBelow(folder, seen)
}

func (w *watch) addBelow(folder string, seen func(path string) error) error {
	f, err := openFolder(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		found, err := f.ReadDir(batch)
		for _, item := range found {
			path := filepath.Join(folder, item.Name())
			if seen != nil {
				if err := seen(path); err != nil {
					return err
				}
			}
			if !item.IsDir() {
				continue
			}
			if err := w.add(path, seen); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// run gives every event to tell, and calls quiet (which may be nil) when nothing was told for interval; until one of them fails or the context is over.
func (w *watch) run(ctx context.Context, interval time.Duration, tell func(*filesystemv1.FilesystemEvent) error, quiet func() error) error {
	var pause <-chan time.Time
	timer := time.NewTimer(interval)
	defer timer.Stop()
	if quiet != nil {
		pause = timer.C
	}
	for {
		select {
		case event, open := <-w.notify.Events:
			if !open {
				return nil
			}
			if err := w.handle(event, tell); err != nil {
				return err
			}
		case err := <-w.notify.Errors:
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				return fault.New(connect.CodeDataLoss, "more changed in %s than could be told", w.path)
			}
			return err
		case <-pause:
			if err := quiet(); err != nil {
				return err
			}
		case <-ctx.Done():
			return fault.Context(ctx)
		}
		timer.Reset(interval)
	}
}

func (w *watch) handle(event fsnotify.Event, tell func(*filesystemv1.FilesystemEvent) error) error {
	for _, known := range kinds {
		if !event.Has(known.op) {
			continue
		}
		if err := tell(w.event(event.Name, known.kind)); err != nil {
			return err
		}
	}
	if event.Has(fsnotify.Create) && w.options.recursive {
		return w.follow(event.Name, tell)
	}
	return nil
}

// follow watches a folder that has appeared. What was made in it before the watch stood is told here; what is made at the very moment
// may be told twice.
func (w *watch) follow(path string, tell func(*filesystemv1.FilesystemEvent) error) error {
	var found []string
	err := w.user.Act(func() error {
		if info, err := os.Lstat(path); err != nil || !info.IsDir() {
			return err
		}
		return w.add(path, func(path string) error {
			found = append(found, path)
			return nil
		})
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	for _, path := range found {
		if err := tell(w.event(path, filesystemv1.EventType_EVENT_TYPE_CREATE)); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) event(path string, kind filesystemv1.EventType) *filesystemv1.FilesystemEvent {
	name, err := filepath.Rel(w.path, path)
	if err != nil {
		name = path
	}
	event := &filesystemv1.FilesystemEvent{Name: printable(name), Type: kind}
	gone := kind == filesystemv1.EventType_EVENT_TYPE_REMOVE || kind == filesystemv1.EventType_EVENT_TYPE_RENAME
	if w.options.entries && !gone {
		// Gone again already, it has no entry.
		_ = w.user.Act(func() (err error) {
			event.Entry, err = describe(path, w.names)
			return err
		})
	}
	return event
}

// onNetwork: 9P is not among them, for gVisor shows its own root as such.
func onNetwork(path string) (bool, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return false, err
	}
	switch uint32(stat.Type) {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.CEPH_SUPER_MAGIC,
		unix.AFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC:
		return true, nil
	}
	return false, nil
}
