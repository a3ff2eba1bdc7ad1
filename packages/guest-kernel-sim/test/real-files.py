"""Performs file operations on the kernel that runs this, and prints its answers.

Standard input: one sequence of operations per line (see file-operations.ts), standard output: one line of answers per
sequence. Each sequence has an empty folder of its own, below the folder that is the argument. Needs root, whose
operations and those of other users are made with their effective ids.
"""
import ctypes, errno, hashlib, json, os, re, shutil, stat, sys

DEPTH = 12
libc = ctypes.CDLL(None, use_errno=True)
os.umask(0o022)


def become(uid):
    os.seteuid(0)
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)


def checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def status(st):
    return [stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode), st.st_nlink, st.st_uid, st.st_gid, st.st_size, st.st_blocks]


def data_of(text):
    """Hexadecimal bytes, of which one may be repeated: ab*4096."""
    digits, _, count = text.partition('*')
    return bytes.fromhex(digits) * int(count or 1)


def shown(data):
    """Hexadecimal bytes; when there are many, their number and the start of their SHA-256."""
    return data.hex() if len(data) <= 64 else '%d:%s' % (len(data), hashlib.sha256(data).hexdigest()[:16])


class Sequence:
    """What its operations have open, and where its folder is."""

    def __init__(self, base):
        self.base = base
        self.slots = {}

    def path(self, text):
        return text.replace('@', self.base, 1) if text.startswith('@') else text

    def fd(self, slot):
        return self.slots.get(slot, 999)

    def run(self, name, *args):
        return getattr(self, 'do_' + name)(*args)

    def do_open(self, slot, path, flags, mode):
        fd = os.open(self.path(path), flags | os.O_NONBLOCK, mode)
        if slot in self.slots:
            os.close(self.slots[slot])
        self.slots[slot] = fd
        return 0

    def do_close(self, slot):
        fd = self.fd(slot)
        self.slots.pop(slot, None)
        os.close(fd)

    def do_read(self, slot, length):
        return shown(os.read(self.fd(slot), length))

    def do_pread(self, slot, length, offset):
        return shown(os.pread(self.fd(slot), length, offset))

    def do_write(self, slot, data):
        return os.write(self.fd(slot), data_of(data))

    def do_pwrite(self, slot, data, offset):
        return os.pwrite(self.fd(slot), data_of(data), offset)

    def do_lseek(self, slot, offset, whence):
        return os.lseek(self.fd(slot), offset, whence)

    def do_ftruncate(self, slot, length):
        os.ftruncate(self.fd(slot), length)

    def do_fallocate(self, slot, mode, offset, length):
        call = libc.fallocate
        call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
        checked(call(self.fd(slot), mode, offset, length))

    def do_copyFileRange(self, source, sink, count):
        return os.copy_file_range(self.fd(source), self.fd(sink), count)

    def do_sendfile(self, sink, source, count):
        return os.sendfile(self.fd(sink), self.fd(source), None, count)

    def do_fsync(self, slot):
        os.fsync(self.fd(slot))

    def do_fstat(self, slot):
        return status(os.fstat(self.fd(slot)))

    def do_fchmod(self, slot, mode):
        os.fchmod(self.fd(slot), mode)

    def do_stat(self, path):
        return status(os.stat(self.path(path)))

    def do_lstat(self, path):
        return status(os.lstat(self.path(path)))

    def do_access(self, path, wanted):
        return 0 if os.access(self.path(path), wanted, effective_ids=True) else 1

    def do_readdir(self, path):
        return sorted(os.listdir(self.path(path)))

    def do_readlink(self, path):
        return os.readlink(self.path(path))

    def do_linkOf(self, slot):
        return re.sub('#[0-9]+', '#', os.readlink('/proc/self/fd/%d' % self.fd(slot)))

    def do_mkdir(self, path, mode):
        os.mkdir(self.path(path), mode)

    def do_rmdir(self, path):
        os.rmdir(self.path(path))

    def do_unlink(self, path):
        os.unlink(self.path(path))

    def do_mkfifo(self, path, mode):
        os.mknod(self.path(path), stat.S_IFIFO | mode)

    def do_mknod(self, path, mode):
        os.mknod(self.path(path), stat.S_IFREG | mode)

    def do_link(self, old, new):
        os.link(self.path(old), self.path(new), follow_symlinks=False)

    def do_symlink(self, target, path):
        os.symlink(self.path(target), self.path(path))

    def do_rename(self, old, new, flags):
        checked(libc.renameat2(-100, self.path(old).encode(), -100, self.path(new).encode(), flags))

    def do_truncate(self, path, length):
        os.truncate(self.path(path), length)

    def do_chmod(self, path, mode):
        os.chmod(self.path(path), mode)

    def do_chown(self, path, uid, gid):
        os.chown(self.path(path), uid, gid)

    def do_lchown(self, path, uid, gid):
        os.lchown(self.path(path), uid, gid)

    def do_utime(self, path, now):
        os.utime(self.path(path), None if now else (1, 1))

    def do_chdir(self, path):
        os.chdir(self.path(path))

    def do_getcwd(self):
        return os.getcwd()

    def do_setxattr(self, path, name, data, flags):
        os.setxattr(self.path(path), name, data_of(data), flags)

    def do_getxattr(self, path, name):
        return shown(os.getxattr(self.path(path), name))

    def do_removexattr(self, path, name):
        os.removexattr(self.path(path), name)

    def do_listxattr(self, path):
        return sorted(os.listxattr(self.path(path)))


def answers(top, operations):
    base = os.path.join(top, *('d' * DEPTH))
    os.makedirs(base)
    os.chdir(base)
    os.chmod(base, 0o1777)
    sequence = Sequence(base)
    results = []
    for uid, name, *args in operations:
        try:
            become(uid)
            value = sequence.run(name, *args)
            results.append(0 if value is None else value)
        except OSError as error:
            results.append(errno.errorcode[error.errno].replace('ENOTSUP', 'EOPNOTSUPP'))
    become(0)
    for fd in sequence.slots.values():
        os.close(fd)
    os.chdir('/')
    return results


def main():
    folder = sys.argv[1]
    for number, line in enumerate(sys.stdin):
        top = os.path.join(folder, str(number))
        os.mkdir(top)
        print(json.dumps(answers(top, json.loads(line)), separators=(',', ':')))
        shutil.rmtree(top)


main()
