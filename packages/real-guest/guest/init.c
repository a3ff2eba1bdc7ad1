/*
 * The first program of a real Linux guest. It does what /script says, one operation a line, and writes one JSON object
 * a line to the second serial port: what each call answered and what the kernel logged meanwhile. It judges nothing.
 * The operations and their answers are those of `sevlab guest`.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SECRETS "/sys/kernel/security/secrets/coco"
#define DEVICE "/sys/devices/platform/efi_secret.0"
#define DRIVER "/sys/bus/platform/drivers/efi_secret"
#define MODULE "/modules/platform:efi_secret"
#define MAX_WORDS 8
#define MAX_NAMES 4096
#define MAX_READ 65536
#define DESCRIPTORS 16
#define PAGE 4096ull
/* Runs of memory end before this many zeros. */
#define GAP 16

static FILE *out;
static int kmsg;
/* Descriptors that `open` keeps, and where the location of the secret area lies. */
static int descriptors[DESCRIPTORS];
static uint64_t location;

/* JSON */

static void put_string(const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void put_text(const char *key, const char *text)
{
	fprintf(out, ",\"%s\":", key);
	put_string(text);
}

/* A call's value, or -1 and the errno's name. */
static void put_result(long value)
{
	const char *name = value < 0 ? strerrorname_np(errno) : NULL;

	fprintf(out, ",\"rc\":%ld", value < 0 ? -1L : value);
	if (name)
		put_text("err", name);
}

static void put_digits(const uint8_t *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		putc(digits[bytes[i] >> 4], out);
		putc(digits[bytes[i] & 15], out);
	}
}

static void put_content(const uint8_t *bytes, size_t length)
{
	fprintf(out, ",\"len\":%zu,\"hex\":\"", length);
	put_digits(bytes, length);
	putc('"', out);
}

static void put_stat(const char *name, const struct stat *st)
{
	char type = S_ISDIR(st->st_mode) ? 'd' : S_ISLNK(st->st_mode) ? 'l' : S_ISREG(st->st_mode) ? '-' : '?';

	fputs("{\"n\":", out);
	put_string(name);
	fprintf(out, ",\"t\":\"%c\",\"mode\":\"%04o\",\"uid\":%u,\"gid\":%u,\"size\":%lld,\"nlink\":%lu}", type,
		st->st_mode & 07777, st->st_uid, st->st_gid, (long long)st->st_size, (unsigned long)st->st_nlink);
}

/* What the kernel logged since the last call, each line with its level in front. */
static void put_log(void)
{
	char record[8192];
	bool any = false;

	for (;;) {
		ssize_t length = read(kmsg, record, sizeof record - 1);
		if (length < 0 && errno == EPIPE)
			continue; /* some were overwritten: go on with the oldest that is left */
		if (length <= 0)
			break;
		record[length] = '\0';
		char *line = strchr(record, ';');
		if (!line)
			continue;
		line++;
		line[strcspn(line, "\n")] = '\0';
		char *coco = strncmp(line, "efi: ", 5) ? NULL : strstr(line, "CocoSecret=0x");
		for (; coco; coco = strstr(coco, "CocoSecret=0x"))
			location = strtoull(coco += 11, NULL, 16); /* the last one counts */
		char levelled[8300];
		snprintf(levelled, sizeof levelled, "<%d>%s", atoi(record) & 7, line);
		fputs(any ? "," : ",\"k\":[", out);
		put_string(levelled);
		any = true;
	}
	if (any)
		putc(']', out);
}

/* Files */

static int read_file(const char *path, uint8_t **bytes, size_t *length)
{
	int fd = open(path, O_RDONLY);
	size_t room = 65536, have = 0;
	ssize_t more;

	if (fd < 0)
		return -1;
	*bytes = malloc(room + 1);
	while ((more = read(fd, *bytes + have, room - have)) > 0) {
		have += (size_t)more;
		if (have == room)
			*bytes = realloc(*bytes, (room *= 2) + 1);
	}
	int error = errno;
	close(fd);
	errno = error;
	if (more < 0) {
		free(*bytes);
		return -1;
	}
	(*bytes)[have] = '\0';
	*length = have;
	return 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t written;

	if (fd < 0)
		return -1;
	written = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return written < 0 ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted; they are never freed. Returns how many, or -1. */
static int list(const char *path, char **names)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (!directory)
		return -1;
	while ((entry = readdir(directory)) && count < MAX_NAMES)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			names[count++] = strdup(entry->d_name);
	closedir(directory);
	qsort(names, (size_t)count, sizeof *names, by_name);
	return count;
}

/* A bare name is one among the secrets. Two of them last. */
static const char *inside(const char *name)
{
	static char paths[2][1024];
	static int turn;

	if (name[0] == '/')
		return name;
	turn = !turn;
	snprintf(paths[turn], sizeof paths[turn], "%s/%s", SECRETS, name);
	return paths[turn];
}

static void put_bound(void)
{
	char target[256];

	fprintf(out, ",\"bound\":%s", readlink(DEVICE "/driver", target, sizeof target) > 0 ? "true" : "false");
}

/* Operations */

/* `parameters` is the module's, such as dyndbg=+p for its debug lines. */
static int insert(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -1;
	result = (int)syscall(SYS_finit_module, fd, parameters, 0);
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

static void boot(char **words)
{
	struct utsname name;
	uint8_t *text;
	size_t length;

	(void)words;
	uname(&name);
	put_text("release", name.release);
	if (read_file("/proc/cmdline", &text, &length) == 0)
		put_text("cmdline", (char *)text);
	if (read_file("/proc/iomem", &text, &length) == 0)
		put_text("iomem", (char *)text);
	if (read_file(DEVICE "/modalias", &text, &length) == 0)
		put_text("modalias", (char *)text);
}

static bool is_live(void)
{
	uint8_t *text;
	size_t length;
	bool live = false;

	if (read_file("/sys/module/efi_secret/initstate", &text, &length) == 0) {
		live = !strcmp((char *)text, "live\n");
		free(text);
	}
	return live;
}

/*
 * As udev does with devices that came before it: announce it again; this program is then called as the helper. When the
 * module is there already, nobody would wait for that helper, and it would have nothing to do.
 */
static void autoload(char **words)
{
	(void)words;
	int result = is_live() ? access(DEVICE "/uevent", F_OK) : write_file("/proc/sys/kernel/hotplug", "/init");

	if (result == 0 && !is_live())
		result = write_file(DEVICE "/uevent", "add");
	put_result(result);
	/* the module is live when its probe is over, whatever came of it */
	for (int tries = 0; result == 0 && !is_live() && tries < 200; tries++)
		usleep(10000);
	fprintf(out, ",\"loaded\":%s", is_live() ? "true" : "false");
	put_bound();
}

/* A word for whoever reads the answers. */
static void note(char **words)
{
	(void)words;
}

static void load(char **words)
{
	(void)words;
	put_result(insert(MODULE, "dyndbg=+p"));
	put_bound();
}

static void unload(char **words)
{
	(void)words;
	put_result(syscall(SYS_delete_module, "efi_secret", O_NONBLOCK));
}

static void bind_driver(char **words)
{
	(void)words;
	put_result(write_file(DRIVER "/bind", "efi_secret.0"));
	put_bound();
}

static void unbind_driver(char **words)
{
	(void)words;
	put_result(write_file(DRIVER "/unbind", "efi_secret.0"));
	put_bound();
}

static int mount_securityfs(void)
{
	return mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
}

static void mount_again(char **words)
{
	(void)words;
	put_result(mount_securityfs());
}

static void unmount(char **words)
{
	(void)words;
	put_result(umount2("/sys/kernel/security", 0));
}

static void ls(char **words)
{
	static char *names[MAX_NAMES];
	const char *folder = *words[1] ? inside(words[1]) : SECRETS;
	int count = list(folder, names);

	put_result(count);
	fputs(",\"e\":[", out);
	for (int i = 0; i < count; i++) {
		char path[2048];
		struct stat st;
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		if (i)
			putc(',', out);
		if (lstat(path, &st) < 0)
			fputs("null", out);
		else
			put_stat(names[i], &st);
	}
	putc(']', out);
}

static void put_file(const char *path)
{
	uint8_t *bytes;
	size_t length;

	if (read_file(path, &bytes, &length) < 0) {
		put_result(-1);
		return;
	}
	put_content(bytes, length);
	free(bytes);
}

static void readall(char **words)
{
	static char *names[MAX_NAMES];
	int count = list(SECRETS, names);

	(void)words;
	put_result(count);
	fputs(",\"f\":[", out);
	for (int i = 0; i < count; i++) {
		fputs(i ? ",{\"n\":" : "{\"n\":", out);
		put_string(names[i]);
		put_file(inside(names[i]));
		putc('}', out);
	}
	putc(']', out);
}

static void rm(char **words)
{
	put_result(unlink(inside(words[1])));
}

static void remove_folder(char **words)
{
	put_result(rmdir(inside(words[1])));
}

static void make_folder(char **words)
{
	put_result(mkdir(inside(words[1]), 0755));
}

/* mknod NAME [fifo|file|char|socket] */
static void make_node(char **words)
{
	static const struct {
		const char *name;
		mode_t type;
	} TYPES[] = { { "", S_IFIFO }, { "fifo", S_IFIFO }, { "file", S_IFREG }, { "char", S_IFCHR }, { "socket", S_IFSOCK } };
	size_t i = 0;

	while (i < sizeof TYPES / sizeof *TYPES - 1 && strcmp(TYPES[i].name, words[2]))
		i++;
	put_result(mknod(inside(words[1]), TYPES[i].type | 0644, 0));
}

static void make_symlink(char **words)
{
	put_result(symlink("target", inside(words[1])));
}

static void make_link(char **words)
{
	put_text("to", words[2]);
	put_result(link(inside(words[1]), inside(words[2])));
}

static void move(char **words)
{
	put_text("to", words[2]);
	put_result(rename(inside(words[1]), inside(words[2])));
}

static void change_mode(char **words)
{
	put_text("to", words[2]);
	put_result(chmod(inside(words[1]), (mode_t)strtoul(words[2], NULL, 8)));
}

static void change_owner(char **words)
{
	put_result(chown(inside(words[1]), (uid_t)strtoul(words[2], NULL, 0), (gid_t)strtoul(words[3], NULL, 0)));
}

#define SET_TIME 1

static void set_times(char **words)
{
	const struct timespec times[2] = { { SET_TIME, 0 }, { SET_TIME, 0 } };

	put_result(utimensat(AT_FDCWD, inside(words[1]), times, 0));
}

/* Whether the times are those that set_times sets. */
static void put_times(char **words)
{
	struct stat st;
	int result = lstat(inside(words[1]), &st);

	put_result(result);
	if (result == 0) {
		put_text("atime", st.st_atime == SET_TIME ? "set" : "other");
		put_text("mtime", st.st_mtime == SET_TIME ? "set" : "other");
	}
}

static void cut(char **words)
{
	put_result(truncate(inside(words[1]), strtoll(words[2], NULL, 0)));
}

/* Opens, and closes again what could be opened. */
static void open_once(const char *name, int flags)
{
	int fd = open(inside(name), flags, 0644);

	put_result(fd < 0 ? -1 : 0);
	if (fd >= 0)
		close(fd);
}

static void create(char **words)
{
	open_once(words[1], O_CREAT | O_EXCL | O_WRONLY);
}

static void open_cutting(char **words)
{
	open_once(words[1], O_WRONLY | O_TRUNC);
}

static void write_byte(char **words)
{
	int fd = open(inside(words[1]), O_WRONLY);

	if (fd < 0) {
		put_result(-1);
		return;
	}
	put_text("at", "write");
	put_result(write(fd, "x", 1));
	close(fd);
}

static void map_file(char **words)
{
	int fd = open(inside(words[1]), O_RDONLY);

	if (fd < 0) {
		put_result(-1);
		return;
	}
	put_result(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	close(fd);
}

static void put_one_stat(const char *name, int result, const struct stat *st)
{
	put_result(result);
	if (result < 0)
		return;
	fputs(",\"st\":", out);
	put_stat(name, st);
}

static void stat_file(char **words)
{
	struct stat st;

	put_one_stat(words[1], lstat(inside(words[1]), &st), &st);
}

static void read_whole(char **words)
{
	uint8_t *bytes;
	size_t length;
	int result = read_file(inside(words[1]), &bytes, &length);

	put_result(result);
	if (result == 0) {
		put_content(bytes, length);
		free(bytes);
	}
}

static int *descriptor(const char *word)
{
	return &descriptors[strtoul(word, NULL, 0) % DESCRIPTORS];
}

static void open_file(char **words)
{
	int fd = open(inside(words[1]), O_RDONLY);

	*descriptor(words[2]) = fd;
	put_result(fd < 0 ? -1 : 0);
}

static void put_read(const uint8_t *bytes, ssize_t length)
{
	put_result(length);
	if (length >= 0)
		put_content(bytes, (size_t)length);
}

static void read_descriptor(char **words)
{
	static uint8_t bytes[MAX_READ];
	size_t length = *words[2] ? strtoul(words[2], NULL, 0) : sizeof bytes;

	put_read(bytes, read(*descriptor(words[1]), bytes, length));
}

static void pread_descriptor(char **words)
{
	static uint8_t bytes[MAX_READ];

	put_read(bytes, pread(*descriptor(words[1]), bytes, strtoul(words[2], NULL, 0), strtoll(words[3], NULL, 0)));
}

static void seek_descriptor(char **words)
{
	put_result(lseek(*descriptor(words[1]), strtoll(words[2], NULL, 0), atoi(words[3])));
}

static void stat_descriptor(char **words)
{
	struct stat st;

	put_one_stat("", fstat(*descriptor(words[1]), &st), &st);
}

static void close_descriptor(char **words)
{
	int result = close(*descriptor(words[1]));

	*descriptor(words[1]) = -1;
	put_result(result);
}

/* as UID GID ls|read|rm|stat [NAME]: in a process of that user, with no other groups. */
static void as_user(char **words)
{
	static char *names[MAX_NAMES];
	uid_t uid = (uid_t)strtoul(words[1], NULL, 0);
	gid_t gid = (gid_t)strtoul(words[2], NULL, 0);
	uint8_t *bytes;
	struct stat st;
	size_t length;
	int status = 0;

	put_text("gid", words[2]);
	put_text("do", words[3]);
	fflush(out);
	pid_t child = fork();
	if (child == 0) {
		int result = -1;
		syscall(SYS_setgroups, 0, NULL);
		if (syscall(SYS_setresgid, gid, gid, gid) == 0 && syscall(SYS_setresuid, uid, uid, uid) == 0) {
			if (!strcmp(words[3], "rm"))
				result = unlink(inside(words[4]));
			else if (!strcmp(words[3], "read"))
				result = read_file(inside(words[4]), &bytes, &length);
			else if (!strcmp(words[3], "ls"))
				result = list(SECRETS, names) < 0 ? -1 : 0;
			else if (!strcmp(words[3], "stat"))
				result = lstat(inside(words[4]), &st);
		}
		_exit(result < 0 ? errno : 0);
	}
	waitpid(child, &status, 0);
	errno = WEXITSTATUS(status);
	put_result(errno ? -1 : 0);
}

/* Memory, through /dev/mem: it maps, since reading and writing end where RAM does. */

static uint8_t *map_memory(uint64_t address, size_t length, void **base, size_t *mapped)
{
	static int memory = -1;
	uint64_t page = address & ~(PAGE - 1);

	if (memory < 0)
		memory = open("/dev/mem", O_RDWR | O_CLOEXEC);
	*mapped = (size_t)((address - page + length + PAGE - 1) & ~(PAGE - 1));
	*base = mmap(NULL, *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, memory, (off_t)page);
	return *base == MAP_FAILED ? NULL : (uint8_t *)*base + (address - page);
}

static int write_memory(uint64_t address, const uint8_t *bytes, size_t length)
{
	void *base;
	size_t mapped;
	uint8_t *at;

	if (length == 0)
		return 0;
	at = map_memory(address, length, &base, &mapped);
	if (!at)
		return -1;
	if (bytes)
		memcpy(at, bytes, length);
	else
		memset(at, 0, length);
	return munmap(base, mapped);
}

static void zero_memory(char **words)
{
	put_result(write_memory(strtoull(words[1], NULL, 0), NULL, strtoull(words[2], NULL, 0)));
}

/* Where the area is said to lie, and its length. */
static void locate(char **words)
{
	const uint64_t area[2] = { strtoull(words[1], NULL, 0), strtoull(words[2], NULL, 0) };

	put_result(write_memory(location, (const uint8_t *)area, sizeof area));
}

static void put_memory(char **words)
{
	uint8_t *bytes;
	size_t length;
	int result = read_file(words[2], &bytes, &length);

	if (result == 0) {
		result = write_memory(strtoull(words[1], NULL, 0), bytes, length);
		fprintf(out, ",\"len\":%zu", length);
		free(bytes);
	}
	put_result(result);
}

static void put_hex(char **words)
{
	size_t length = strlen(words[2]) / 2;
	uint8_t *bytes = malloc(length + 1);

	for (size_t i = 0; i < length; i++) {
		const char digits[3] = { words[2][2 * i], words[2][2 * i + 1], '\0' };
		bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	fprintf(out, ",\"len\":%zu", length);
	put_result(write_memory(strtoull(words[1], NULL, 0), bytes, length));
	free(bytes);
}

static void put_runs(char **words)
{
	size_t length = strtoull(words[2], NULL, 0), mapped;
	void *base;
	const uint8_t *at = map_memory(strtoull(words[1], NULL, 0), length, &base, &mapped);
	bool any = false;

	fprintf(out, ",\"len\":%zu", length);
	put_result(at ? 0 : -1);
	fputs(",\"runs\":[", out);
	for (size_t start = 0; at && start < length;) {
		if (at[start] == 0) {
			start++;
			continue;
		}
		size_t end = start;
		for (size_t i = start; i < length && i - end < GAP; i++)
			if (at[i] != 0)
				end = i + 1;
		fprintf(out, "%s[%zu,\"", any ? "," : "", start);
		put_digits(at + start, end - start);
		fputs("\"]", out);
		any = true;
		start = end;
	}
	putc(']', out);
	if (at)
		munmap(base, mapped);
}

static void cat(char **words)
{
	uint8_t *text;
	size_t length;
	int result = read_file(inside(words[1]), &text, &length);

	put_result(result);
	if (result == 0)
		put_text("text", (char *)text);
}

/* `words` is how many of its words the answer repeats. */
static const struct {
	const char *name;
	void (*run)(char **words);
	int words;
} OPERATIONS[] = {
	{ "boot", boot, 0 },
	{ "autoload", autoload, 0 },
	{ "case", note, 1 },
	{ "load", load, 0 },
	{ "unload", unload, 0 },
	{ "bind", bind_driver, 0 },
	{ "unbind", unbind_driver, 0 },
	{ "mount", mount_again, 0 },
	{ "umount", unmount, 0 },
	{ "ls", ls, 1 },
	{ "readall", readall, 0 },
	{ "read", read_whole, 1 },
	{ "stat", stat_file, 1 },
	{ "rm", rm, 1 },
	{ "rmdir", remove_folder, 1 },
	{ "mkdir", make_folder, 1 },
	{ "mknod", make_node, 1 },
	{ "symlink", make_symlink, 1 },
	{ "link", make_link, 1 },
	{ "rename", move, 1 },
	{ "create", create, 1 },
	{ "write", write_byte, 1 },
	{ "otrunc", open_cutting, 1 },
	{ "trunc", cut, 1 },
	{ "chmod", change_mode, 1 },
	{ "chown", change_owner, 1 },
	{ "utime", set_times, 1 },
	{ "times", put_times, 1 },
	{ "mmap", map_file, 1 },
	{ "open", open_file, 1 },
	{ "fdread", read_descriptor, 1 },
	{ "fdpread", pread_descriptor, 1 },
	{ "fdseek", seek_descriptor, 1 },
	{ "fdstat", stat_descriptor, 1 },
	{ "fdclose", close_descriptor, 1 },
	{ "as", as_user, 1 },
	{ "zero", zero_memory, 0 },
	{ "loc", locate, 0 },
	{ "put", put_memory, 0 },
	{ "puthex", put_hex, 0 },
	{ "mem", put_runs, 1 },
	{ "cat", cat, 1 },
};

static void perform(char *line)
{
	char *words[MAX_WORDS] = { "", "", "", "", "", "", "", "" };
	char *rest = NULL;
	int count = 0;

	for (char *word = strtok_r(line, " \t\r\n", &rest); word && count < MAX_WORDS; word = strtok_r(NULL, " \t\r\n", &rest))
		words[count++] = word;
	if (count == 0)
		return;
	fputs("{\"op\":", out);
	put_string(words[0]);
	size_t i = 0;
	while (i < sizeof OPERATIONS / sizeof *OPERATIONS && strcmp(OPERATIONS[i].name, words[0]))
		i++;
	if (i < sizeof OPERATIONS / sizeof *OPERATIONS) {
		if (count > 1 && OPERATIONS[i].words > 0)
			put_text("arg", words[1]);
		OPERATIONS[i].run(words);
	} else {
		put_text("err", "unknown operation");
	}
	put_log();
	fputs("}\n", out);
	fflush(out);
}

/* The kernel calls its helper with the event in the environment. */
static int helper(void)
{
	const char *action = getenv("ACTION"), *alias = getenv("MODALIAS");
	char path[256];

	if (!action || strcmp(action, "add") || !alias || strchr(alias, '/'))
		return 0;
	snprintf(path, sizeof path, "/modules/%s", alias);
	return insert(path, "") < 0;
}

/*
 * Answers go to the second serial port, or where the command line says sevlab.answers=ADDRESS,LENGTH: to memory, which is
 * some hundred times faster. There they stand behind their length, 8 bytes.
 */
static uint8_t *box;
static uint64_t box_size;

static ssize_t write_box(void *cookie, const char *bytes, size_t length)
{
	uint64_t have = *(volatile uint64_t *)box;

	(void)cookie;
	if (sizeof have + have + length > box_size)
		return 0;
	memcpy(box + sizeof have + have, bytes, length);
	*(volatile uint64_t *)box = have + length;
	return (ssize_t)length;
}

static FILE *open_answers(void)
{
	uint8_t *text;
	size_t length, mapped;
	void *base;
	struct termios port;

	const char *word = read_file("/proc/cmdline", &text, &length) == 0 ? strstr((char *)text, "sevlab.answers=") : NULL;
	if (word) {
		char *rest;
		uint64_t address = strtoull(word + strlen("sevlab.answers="), &rest, 0);
		box_size = strtoull(rest + 1, NULL, 0);
		box = map_memory(address, box_size, &base, &mapped);
		if (!box)
			return NULL;
		*(volatile uint64_t *)box = 0;
		return fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_box });
	}
	int fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY);
	if (tcgetattr(fd, &port) == 0) {
		cfmakeraw(&port);
		tcsetattr(fd, TCSANOW, &port);
	}
	return fdopen(fd, "w");
}

int main(void)
{
	static char line[1 << 22];

	if (getpid() != 1)
		return helper();
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount_securityfs();
	out = open_answers();
	for (int i = 0; i < DESCRIPTORS; i++)
		descriptors[i] = -1;
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	FILE *script = fopen("/script", "r");
	while (out && script && fgets(line, sizeof line, script))
		perform(line);
	if (out && !box)
		tcdrain(fileno(out));
	reboot(RB_AUTOBOOT); /* QEMU ends there */
	return 1;
}
