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
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#define SECRETS "/sys/kernel/security/secrets/coco"
#define DEVICE "/sys/devices/platform/efi_secret.0"
#define DRIVER "/sys/bus/platform/drivers/efi_secret"
#define MODULE "/modules/platform:efi_secret"
#define MAX_WORDS 8
#define MAX_NAMES 4096

static FILE *out;
static int kmsg;

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

static void put_content(const uint8_t *bytes, size_t length)
{
	fprintf(out, ",\"len\":%zu,\"hex\":\"", length);
	for (size_t i = 0; i < length; i++)
		fprintf(out, "%02x", bytes[i]);
	fputs("\"", out);
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

/* A bare name is one among the secrets. */
static const char *inside(const char *name)
{
	static char path[1024];

	if (name[0] == '/')
		return name;
	snprintf(path, sizeof path, "%s/%s", SECRETS, name);
	return path;
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

/* As udev does with devices that came before it: announce it again; this program is then called as the helper. */
static void autoload(char **words)
{
	(void)words;
	int result = write_file("/proc/sys/kernel/hotplug", "/init");

	put_result(result < 0 ? result : write_file(DEVICE "/uevent", "add"));
	for (int tries = 0; access("/sys/module/efi_secret", F_OK) < 0 && tries < 200; tries++)
		usleep(10000);
	for (int tries = 0; access(DEVICE "/driver", F_OK) < 0 && tries < 20; tries++)
		usleep(10000);
	fprintf(out, ",\"loaded\":%s", access("/sys/module/efi_secret", F_OK) == 0 ? "true" : "false");
	put_bound();
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

static void cat(char **words)
{
	uint8_t *text;
	size_t length;
	int result = read_file(words[1], &text, &length);

	put_result(result);
	if (result == 0)
		put_text("text", (char *)text);
}

static const struct {
	const char *name;
	void (*run)(char **words);
} OPERATIONS[] = {
	{ "boot", boot }, { "autoload", autoload },    { "load", load }, { "unload", unload },
	{ "bind", bind_driver }, { "unbind", unbind_driver }, { "ls", ls },     { "readall", readall },
	{ "rm", rm },     { "cat", cat },
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
	if (count > 1)
		put_text("arg", words[1]);
	size_t i = 0;
	while (i < sizeof OPERATIONS / sizeof *OPERATIONS && strcmp(OPERATIONS[i].name, words[0]))
		i++;
	if (i < sizeof OPERATIONS / sizeof *OPERATIONS)
		OPERATIONS[i].run(words);
	else
		put_text("err", "unknown operation");
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

int main(void)
{
	struct termios port;
	static char line[65536];

	if (getpid() != 1)
		return helper();
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
	int fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY);
	if (tcgetattr(fd, &port) == 0) {
		cfmakeraw(&port);
		tcsetattr(fd, TCSANOW, &port);
	}
	out = fdopen(fd, "w");
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	FILE *script = fopen("/script", "r");
	while (out && script && fgets(line, sizeof line, script))
		perform(line);
	if (out)
		tcdrain(fd);
	reboot(RB_AUTOBOOT); /* QEMU ends there */
	return 1;
}
