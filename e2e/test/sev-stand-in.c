/*
 * Preloaded into a VMM, it stands in for /dev/sev and for KVM's calls about SEV, on a machine that has KVM and no SEV.
 * Everything succeeds but what SEV_STAND_IN_FAIL names (CALL:ERRNO:STATUS,...); every call goes to the file that
 * SEV_STAND_IN_LOG names, an object of JSON in each line. Layouts: include/uapi/linux/kvm.h, psp-sev.h.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  MEMORY_ENCRYPT_OP = 0xC008AEBA,
  REG_REGION = 0x8010AEBB,
  UNREG_REGION = 0x8010AEBC,
  SET_USER_MEMORY_REGION = 0x4020AE46,
  ISSUE_CMD = 0xC0105300,
};
enum { INVALID_LENGTH = 4, MEASUREMENT = 48, REPORT = 208, PDH = 2084, CHAIN = 6252, ID = 64 };

static struct slot { uint64_t gpa, size, host; } slots[64];

static uint32_t get32(const uint8_t *p, int at) { uint32_t v; memcpy(&v, p + at, 4); return v; }
static uint64_t get64(const uint8_t *p, int at) { uint64_t v; memcpy(&v, p + at, 8); return v; }
static uint8_t *pointer(const uint8_t *p, int at) { return (uint8_t *)(uintptr_t)get64(p, at); }
static void put32(uint8_t *p, int at, uint32_t v) { memcpy(p + at, &v, 4); }

static uint64_t guest_address(uint64_t host) {
  for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
    if (host - slots[i].host < slots[i].size) return slots[i].gpa + (host - slots[i].host);
  return UINT64_MAX;
}

static FILE *log_file(void) {
  static FILE *file;
  const char *path = getenv("SEV_STAND_IN_LOG");
  if (!file && path) file = fopen(path, "ae");
  return file ? file : stderr;
}

static void log_bytes(const char *name, const uint8_t *bytes, uint32_t length) {
  if (!bytes || !length) return;
  fprintf(log_file(), ",\"%s\":\"", name);
  for (uint32_t i = 0; i < length; i++) fprintf(log_file(), "%02x", bytes[i]);
  fputc('"', log_file());
}

static void log_number(const char *name, uint64_t value) {
  fprintf(log_file(), ",\"%s\":%llu", name, (unsigned long long)value);
}

/* Ends the line, and tells what the call comes to. */
static int answer(const char *call, uint32_t *error) {
  const char *fail = getenv("SEV_STAND_IN_FAIL");
  size_t length = strlen(call);
  fputs("}\n", log_file());
  fflush(log_file());
  *error = 0;
  for (; fail && *fail; fail = strchr(fail, ',') ? strchr(fail, ',') + 1 : "") {
    int number;
    if (strncmp(fail, call, length) || sscanf(fail + length, ":%d:%u", &number, error) != 2) continue;
    errno = number;
    return -1;
  }
  return 0;
}

/* A blob whose length was not known: told, and the call fails. */
static int too_short(uint32_t *error) {
  *error = INVALID_LENGTH;
  errno = EIO;
  return -1;
}

static const char *const CALLS[] = {
    [0] = "KVM_SEV_INIT",
    [1] = "KVM_SEV_ES_INIT",
    [2] = "KVM_SEV_LAUNCH_START",
    [3] = "KVM_SEV_LAUNCH_UPDATE_DATA",
    [4] = "KVM_SEV_LAUNCH_UPDATE_VMSA",
    [5] = "KVM_SEV_LAUNCH_SECRET",
    [6] = "KVM_SEV_LAUNCH_MEASURE",
    [7] = "KVM_SEV_LAUNCH_FINISH",
    [20] = "KVM_SEV_GET_ATTESTATION_REPORT",
};

static int kvm_sev(uint8_t *command) {
  uint32_t id = get32(command, 0), error;
  uint8_t *data = pointer(command, 8);
  const char *call = id < sizeof CALLS / sizeof *CALLS ? CALLS[id] : NULL;
  int result;
  if (!call) { errno = EINVAL; return -1; }
  fprintf(log_file(), "{\"call\":\"%s\"", call);
  switch (id) {
  case 2:
    log_number("policy", get32(data, 4));
    log_number("handle", get32(data, 0));
    log_bytes("dhCert", pointer(data, 8), get32(data, 16));
    log_bytes("session", pointer(data, 24), get32(data, 32));
    break;
  case 3:
    log_bytes("data", pointer(data, 0), get32(data, 8));
    break;
  case 5:
    log_number("gpa", guest_address(get64(data, 16)));
    log_number("headerLength", get32(data, 8));
    log_number("length", get32(data, 40));
    break;
  case 6:
    log_number("length", get32(data, 8));
    if (get32(data, 8) == 0) {
      fputs("}\n", log_file());
      put32(data, 8, MEASUREMENT);
      result = too_short(&error);
      put32(command, 16, error);
      return result;
    }
    break;
  case 20:
    log_number("length", get32(data, 24));
    log_bytes("mnonce", data, 16);
    if (get32(data, 24) == 0) {
      fputs("}\n", log_file());
      put32(data, 24, REPORT);
      result = too_short(&error);
      put32(command, 16, error);
      return result;
    }
    break;
  }
  result = answer(call, &error);
  put32(command, 16, error);
  if (result) return result;
  if (id == 2) put32(data, 0, 1);
  if (id == 6) for (int i = 0; i < MEASUREMENT; i++) pointer(data, 0)[i] = i;
  if (id == 20) {
    memset(pointer(data, 16), 'R', REPORT);
    memcpy(pointer(data, 16), data, 16);
  }
  return 0;
}

static int device(uint8_t *command) {
  uint8_t *data = pointer(command, 4);
  uint32_t error = 0;
  int result;
  switch (get32(command, 0)) {
  case 1:
    fputs("{\"call\":\"SEV_PLATFORM_STATUS\"", log_file());
    result = answer("SEV_PLATFORM_STATUS", &error);
    if (!result) memcpy(data, (uint8_t[12]){[0] = 1, [1] = 55, [2] = 1, [4] = 1 /* SEV-ES */, [7] = 21}, 12);
    break;
  case 5:
    if (get32(data, 8) == 0 || get32(data, 20) == 0) {
      put32(data, 8, PDH);
      put32(data, 20, CHAIN);
      /* one that was forced fails at the question for the length already */
      if (getenv("SEV_STAND_IN_FAIL") && strstr(getenv("SEV_STAND_IN_FAIL"), "SEV_PDH_CERT_EXPORT")) {
        fputs("{\"call\":\"SEV_PDH_CERT_EXPORT\"", log_file());
        result = answer("SEV_PDH_CERT_EXPORT", &error);
      } else {
        result = too_short(&error);
      }
      break;
    }
    fputs("{\"call\":\"SEV_PDH_CERT_EXPORT\"", log_file());
    result = answer("SEV_PDH_CERT_EXPORT", &error);
    memset(pointer(data, 0), 'P', PDH);
    memset(pointer(data, 12), 'C', CHAIN);
    break;
  case 8:
    if (get32(data, 8) == 0) {
      put32(data, 8, ID);
      result = too_short(&error);
      break;
    }
    fputs("{\"call\":\"SEV_GET_ID2\"", log_file());
    result = answer("SEV_GET_ID2", &error);
    memset(pointer(data, 0), 'I', ID);
    break;
  default:
    errno = EINVAL;
    return -1;
  }
  put32(command, 12, error);
  return result;
}

int ioctl(int fd, unsigned long request, ...) {
  static int (*real)(int, unsigned long, ...);
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
  switch ((uint32_t)request) {
  case MEMORY_ENCRYPT_OP:
    return argument ? kvm_sev(argument) : 0;
  case REG_REGION:
  case UNREG_REGION:
    return 0;
  case ISSUE_CMD:
    return device(argument);
  case SET_USER_MEMORY_REGION: {
    uint32_t slot = get32(argument, 0) % (sizeof slots / sizeof *slots);
    slots[slot] = (struct slot){get64(argument, 8), get64(argument, 16), get64(argument, 24)};
  }
  }
  return real(fd, request, argument);
}

static int opened(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...);
  *(void **)&real = dlsym(RTLD_NEXT, name);
  return real(strcmp(path, "/dev/sev") ? path : "/dev/null", flags, mode);
}

#define OPEN(name)                                                                                                     \
  int name(const char *path, int flags, ...) {                                                                         \
    va_list list;                                                                                                      \
    va_start(list, flags);                                                                                             \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;                                            \
    va_end(list);                                                                                                      \
    return opened(#name, path, flags, mode);                                                                           \
  }
OPEN(open)
OPEN(open64)
