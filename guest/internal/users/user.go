// Package users knows the guest's users: their entries in /etc/passwd and /etc/group, which of them a request means, how to act with a
// user's rights, and where a user's relative paths lead.
package users

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
)

// User is one line of passwd with the groups that name it. Groups holds GID too.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32
	Home   string
	Shell  string
}

const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
	// maxDatabase is where reading either file stops, in bytes: root in the guest may have put anything there.
	maxDatabase = 4 << 20
)

// Lookup finds a user by name, else by uid in decimal. A uid without a line is a user without groups, at home in /, as an image without
// passwd needs it. Reads the files afresh: users come and go while the guest runs.
// Errors: invalid_argument for a name that is not there (also for the empty one).
func Lookup(name string) (*User, error) {
	return lookup(name, passwdFile, groupFile)
}

// Default is the user of requests that name none: preferred, else "user" where the image has it, else root.
func Default(preferred string) (*User, error) {
	if preferred != "" {
		return Lookup(preferred)
	}
	if user, err := Lookup("user"); err == nil {
		return user, nil
	}
	return Lookup("0")
}

func lookup(name, passwd, group string) (*User, error) {
	var byName, byID *User
	err := eachLine(passwd, 7, func(f []string) bool {
		user, ok := parseUser(f)
		if !ok {
			return true
		}
		if user.Name == name {
			byName = user
			return false
		}
		if byID == nil && f[2] == name {
			byID = user
		}
		return true
	})
	if err != nil && !os.IsNotExist(err) {
		return nil, fault.New(connect.CodeInternal, "read the guest's users: %w", err)
	}
	user := byName
	if user == nil {
		user = byID
	}
	if user == nil {
		id, err := parseID(name)
		if err != nil {
			return nil, fault.New(connect.CodeInvalidArgument, "no user %q in the guest", name)
		}
		user = &User{Name: name, UID: id, GID: id, Home: "/", Shell: "/bin/sh"}
	}
	user.Groups = []uint32{user.GID}
	err = eachLine(group, 4, func(f []string) bool {
		gid, err := parseID(f[2])
		if err == nil && gid != user.GID && contains(f[3], user.Name) {
			user.Groups = append(user.Groups, gid)
		}
		return true
	})
	if err != nil && !os.IsNotExist(err) {
		return nil, fault.New(connect.CodeInternal, "read the guest's groups: %w", err)
	}
	return user, nil
}

func parseUser(f []string) (*User, bool) {
	uid, err := parseID(f[2])
	if err != nil {
		return nil, false
	}
	gid, err := parseID(f[3])
	if err != nil {
		return nil, false
	}
	user := &User{Name: f[0], UID: uid, GID: gid, Home: f[5], Shell: f[6]}
	if !strings.HasPrefix(user.Home, "/") {
		user.Home = "/"
	}
	if user.Shell == "" {
		user.Shell = "/bin/sh"
	}
	return user, true
}

// parseID takes every id but (uint32)-1, which the system calls take as "leave it".
func parseID(s string) (uint32, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	if err == nil && id == 1<<32-1 {
		err = strconv.ErrRange
	}
	return uint32(id), err
}

func contains(members, name string) bool {
	for member := range strings.SplitSeq(members, ",") {
		if member == name {
			return true
		}
	}
	return false
}

// Names of ids, each file read once: for listings, where a lookup per entry would read them per entry.
type Names struct{ users, groups map[uint32]string }

// ReadNames never fails: an id without a name prints as its number.
func ReadNames() *Names {
	return &Names{readNames(passwdFile, 7), readNames(groupFile, 4)}
}

func readNames(file string, fields int) map[uint32]string {
	names := map[uint32]string{}
	_ = eachLine(file, fields, func(f []string) bool {
		if id, err := parseID(f[2]); err == nil {
			if _, taken := names[id]; !taken {
				names[id] = f[0]
			}
		}
		return true
	})
	return names
}

// User is the name of a uid, or its number.
func (n *Names) User(id uint32) string { return nameOr(n.users, id) }

// Group is the name of a gid, or its number.
func (n *Names) Group(id uint32) string { return nameOr(n.groups, id) }

func nameOr(names map[uint32]string, id uint32) string {
	if name, ok := names[id]; ok {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

// eachLine gives the fields of every well-formed line of a passwd-like file until use returns false.
func eachLine(file string, fields int, use func([]string) bool) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxDatabase))
	lines.Buffer(nil, 64<<10)
	for lines.Scan() {
		if f := strings.Split(lines.Text(), ":"); len(f) == fields && !use(f) {
			return nil
		}
	}
	return lines.Err()
}
