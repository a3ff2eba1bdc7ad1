// Lets sevlab's conformance suite ask a parser of the EFI secret area: an example of its line protocol
// (docs/reference/exec-protocol.md). Put the call of your own parser where parse() is.
//   cc -O2 -o secret_area secret_area.c && sevlab conform --target exec:./secret_area
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The parser. What it does with an area is what Linux 6.1 does (efi_secret_securityfs_setup).

enum { HEADER_LEN = 20, ENTRY_LEN = 20, FILES_MAX = 64, NAME_LEN = 37 };

struct file {
  char name[NAME_LEN];
  const uint8_t *data;
  uint32_t len;
};

static const uint8_t TABLE_GUID[16] = {0x42, 0xf5, 0x74, 0x1e, 0xdd, 0x71, 0x66, 0x4d,
                                       0x96, 0x3e, 0xef, 0x42, 0x87, 0xff, 0x17, 0x3b};

static uint32_t le32(const uint8_t *p) {
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void guid_name(const uint8_t *g, char *name) {
  snprintf(name, NAME_LEN, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", g[3], g[2], g[1],
           g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

// Fills `files` and returns how many there are, or sets *err to the name of an errno.
static int parse(const uint8_t *area, uint64_t size, struct file *files, const char **err) {
  static const uint8_t deleted[16];
  *err = NULL;
  if (memcmp(area, TABLE_GUID, 16) != 0) return *err = "ENODEV", 0;
  uint32_t table = le32(area + 16);
  if (table < HEADER_LEN || table > size) return *err = "EINVAL", 0;
  int count = 0;
  uint32_t left = table - HEADER_LEN;
  for (const uint8_t *p = area + HEADER_LEN; left >= ENTRY_LEN && count < FILES_MAX;) {
    uint32_t len = le32(p + 16);
    if (len < ENTRY_LEN || len > left) return *err = "EINVAL", 0;
    if (memcmp(p, deleted, 16) != 0) {
      struct file *file = &files[count++];
      guid_name(p, file->name);
      file->data = p + ENTRY_LEN;
      file->len = len - ENTRY_LEN;
      for (int i = 0; i < count - 1; i++)
        if (strcmp(files[i].name, file->name) == 0) return *err = "EEXIST", 0;
    }
    p += len;
    left -= len;
  }
  return count;
}

// The protocol.

// The text behind "key":" in a request, up to the closing quote; NULL if there is none. The suite writes no space and
// no escaped character into what is looked for here.
static char *text_of(const char *line, const char *key) {
  char pattern[32];
  snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
  const char *start = strstr(line, pattern);
  if (start == NULL) return NULL;
  start += strlen(pattern);
  return strndup(start, strcspn(start, "\""));
}

static int nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static void answer(const char *hex, uint64_t size) {
  static const uint64_t area_max = 1 << 22;
  size_t given = strlen(hex) / 2;
  size_t room = size > given ? size : given;
  if (room < HEADER_LEN || room > area_max) {
    puts("{\"skip\":\"an area of this size is not mapped here\"}");
    return;
  }
  uint8_t *area = calloc(room, 1);
  for (size_t i = 0; i < given; i++) area[i] = nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]);
  struct file files[FILES_MAX];
  const char *err;
  int count = parse(area, size, files, &err);
  qsort(files, count, sizeof *files, by_name);
  if (err != NULL) {
    printf("{\"probe\":{\"bound\":false,\"err\":\"%s\"},\"dir\":\"ENOENT\",\"read\":[]}\n", err);
  } else {
    fputs("{\"probe\":{\"bound\":true},\"dir\":[],\"read\":[", stdout);
    for (int i = 0; i < count; i++) {
      printf("%s{\"n\":\"%s\",\"hex\":\"", i == 0 ? "" : ",", files[i].name);
      for (uint32_t k = 0; k < files[i].len; k++) printf("%02x", files[i].data[k]);
      fputs("\"}", stdout);
    }
    puts("]}");
  }
  free(area);
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  if (getline(&line, &room, stdin) < 0) return 1;
  puts("{\"protocol\":\"sevlab-exec\",\"version\":1,\"name\":\"secret_area.c\",\"rooms\":[\"kernel\"],"
       "\"sees\":[\"dir\",\"read\"]}");
  fflush(stdout);
  while (getline(&line, &room, stdin) >= 0) {
    char *mode = text_of(line, "mode"), *area = text_of(line, "area"), *size = text_of(line, "size");
    char *base = text_of(line, "base"), *at = text_of(line, "at");
    if (strstr(line, "\"tables\":") || strstr(line, "\"build\":") || strstr(line, "\"linux\":"))
      puts("{\"skip\":\"this is a parser, and boots nothing\"}");
    else if (!mode || !area || !size || !base || !at)
      puts("{\"error\":\"this request is not understood\"}");
    else if (strcmp(mode, "bind") != 0 || strcmp(base, at) != 0)
      puts("{\"skip\":\"the area alone is looked at, not how it is found\"}");
    else
      answer(area, strtoull(size, NULL, 16));
    fflush(stdout);
    free(mode), free(area), free(size), free(base), free(at);
  }
  free(line);
  return 0;
}
