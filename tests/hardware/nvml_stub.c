/* A libnvidia-ml.so.1 without a GPU, after NVIDIA's nvml.h.
 *
 * What it tells stands in the text file $NVML_STUB_STATE, read anew at each call, one `key=value`
 * to a line: `count`, then `<device>.<figure>`, where a device is `0`, or `0.1` for a MIG slice.
 * A key that is a function's name, with or without a device before it, gives the code which that
 * function returns; `<device>.fail` the code of all; `hang` a function that does not come back as
 * long as that stands there. Calls are written down in $NVML_STUB_CALLS, if that is set.
 *
 * With -DDRIVER=440 the functions are missing that came later.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef DRIVER
#define DRIVER 580
#endif

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7 };
typedef unsigned int u32;
typedef unsigned long long u64;
typedef struct { char name[16]; } Device;

static Device devices[64];
static int started;

static int find(const char *key, char *value) {
    char line[4096], wanted[128];
    const char *path = getenv("NVML_STUB_STATE");
    FILE *file = path ? fopen(path, "r") : NULL;
    size_t length = (size_t)snprintf(wanted, sizeof wanted, "%s=", key);
    int found = 0;
    while (file && !found && fgets(line, sizeof line, file)) {
        if (strncmp(line, wanted, length) == 0) {
            line[strcspn(line, "\n")] = 0;
            strcpy(value, line + length);
            found = 1;
        }
    }
    if (file) fclose(file);
    return found;
}

static int figure(const Device *device, const char *what, char *value) {
    char key[128];
    snprintf(key, sizeof key, "%s.%s", device->name, what);
    return find(key, value);
}

static u64 number(const Device *device, const char *what) {
    char value[4096];
    return figure(device, what, value) ? strtoull(value, NULL, 10) : 0;
}

/* What a function returns before it does anything. */
static int begin(const char *function, const Device *device) {
    char value[4096];
    const char *calls = getenv("NVML_STUB_CALLS");
    FILE *file = calls ? fopen(calls, "a") : NULL;
    if (file) {
        fprintf(file, "%s %s\n", function, device ? device->name : "-");
        fclose(file);
    }
    while (find("hang", value) && strcmp(value, function) == 0) usleep(10000);
    if (find(function, value)) return atoi(value);
    if (!started && strcmp(function, "nvmlInitWithFlags") != 0) return UNINITIALIZED;
    if (device && figure(device, "fail", value)) return atoi(value);
    if (device && figure(device, function, value)) return atoi(value);
    return OK;
}

#define BEGIN(device)                            \
    do {                                         \
        int code = begin(__func__, device);      \
        if (code != OK) return code;             \
    } while (0)

static int handle(const char *name, Device **out) {
    for (int i = 0; i < 64; i++) {
        if (!devices[i].name[0]) strcpy(devices[i].name, name);
        if (strcmp(devices[i].name, name) == 0) {
            *out = &devices[i];
            return OK;
        }
    }
    return INVALID;
}

static int text(const Device *device, const char *what, char *out, u32 length) {
    char value[4096] = "";
    figure(device, what, value);
    if (strlen(value) >= length) return TOO_SMALL;
    strcpy(out, value);
    return OK;
}

static int one(const Device *device, const char *what, u32 *out) {
    char value[4096];
    if (!figure(device, what, value)) return NOT_SUPPORTED;
    *out = (u32)strtoul(value, NULL, 10);
    return OK;
}

int nvmlInitWithFlags(u32 flags) {
    (void)flags;
    BEGIN(NULL);
    started = 1;
    return OK;
}

int nvmlShutdown(void) {
    BEGIN(NULL);
    started = 0;
    return OK;
}

const char *nvmlErrorString(int code) {
    return code == 998 ? "Something \033[31mnew\033[0m" : "Some error";
}

int nvmlSystemGetDriverVersion(char *out, u32 length) {
    BEGIN(NULL);
    snprintf(out, length, "%d.65.06", DRIVER);
    return OK;
}

int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    char value[4096];
    BEGIN(NULL);
    if (!find("cuda", value)) return NOT_SUPPORTED;
    *version = atoi(value);
    return OK;
}

int nvmlDeviceGetCount_v2(u32 *count) {
    char value[4096];
    BEGIN(NULL);
    *count = find("count", value) ? (u32)atoi(value) : 0;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(u32 index, Device **out) {
    char name[16];
    snprintf(name, sizeof name, "%u", index);
    handle(name, out);
    BEGIN(*out);
    return OK;
}

int nvmlDeviceGetName(Device *device, char *out, u32 length) {
    BEGIN(device);
    return text(device, "name", out, length);
}

int nvmlDeviceGetUUID(Device *device, char *out, u32 length) {
    BEGIN(device);
    return text(device, "uuid", out, length);
}

typedef struct { u64 total, free, used; } Memory;

int nvmlDeviceGetMemoryInfo(Device *device, Memory *out) {
    char value[4096];
    BEGIN(device);
    if (!figure(device, "total", value)) return NOT_SUPPORTED;
    out->total = number(device, "total");
    out->free = number(device, "free");
    out->used = number(device, "used") + number(device, "reserved");
    return OK;
}

typedef struct { u32 gpu, memory; } Utilization;

int nvmlDeviceGetUtilizationRates(Device *device, Utilization *out) {
    BEGIN(device);
    out->memory = 1;
    return one(device, "utilization", &out->gpu);
}

int nvmlDeviceGetTemperature(Device *device, int sensor, u32 *out) {
    BEGIN(device);
    return sensor == 0 ? one(device, "temperature", out) : INVALID;
}

int nvmlDeviceGetPowerUsage(Device *device, u32 *out) {
    BEGIN(device);
    return one(device, "power", out);
}

int nvmlDeviceGetEnforcedPowerLimit(Device *device, u32 *out) {
    BEGIN(device);
    return one(device, "limit", out);
}

/* `pid:bytes` with commas between them; `na` where the driver does not tell the bytes. */
static int processes(Device *device, const char *kind, u32 *count, char *out, size_t size) {
    char value[4096] = "", *rest = value, *entry;
    u32 room = *count, listed = 0;
    figure(device, kind, value);
    while ((entry = strsep(&rest, ",")) && *entry) {
        char *bytes = strchr(entry, ':') + 1;
        if (out && listed < room) {
            char *at = out + listed * size;
            memset(at, 0, size);
            *(u32 *)at = (u32)strtoul(entry, NULL, 10);
            *(u64 *)(at + 8) = strcmp(bytes, "na") == 0 ? ~0ULL : strtoull(bytes, NULL, 10);
            if (size == 24) *(u32 *)(at + 16) = *(u32 *)(at + 20) = ~0U;
        }
        listed++;
    }
    *count = listed;
    return listed > room ? TOO_SMALL : OK;
}

#define PROCESSES(function, kind, size)                            \
    int function(Device *device, u32 *count, void *out) {          \
        BEGIN(device);                                             \
        return processes(device, kind, count, out, size);          \
    }

typedef struct { u32 pid; u64 when; u32 sm, memory, encoder, decoder; } Use;

/* `busy` is `pid:percent` with commas between them, the newest last; none is no sample at all. */
int nvmlDeviceGetProcessUtilization(Device *device, Use *out, u32 *count, u64 since) {
    char value[4096] = "", *rest = value, *entry;
    u32 room = *count, listed = 0;
    (void)since;
    BEGIN(device);
    if (!figure(device, "busy", value)) return NOT_SUPPORTED;
    if (!*value) return NOT_FOUND;
    while ((entry = strsep(&rest, ",")) && *entry) {
        if (out && listed < room) {
            memset(&out[listed], 0, sizeof *out);
            out[listed].pid = (u32)strtoul(entry, NULL, 10);
            out[listed].when = listed;
            out[listed].sm = (u32)strtoul(strchr(entry, ':') + 1, NULL, 10);
        }
        listed++;
    }
    *count = listed;
    return listed > room ? TOO_SMALL : OK;
}

PROCESSES(nvmlDeviceGetComputeRunningProcesses, "compute", 16)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses, "graphics", 16)

#if DRIVER >= 450
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2, "compute", 24)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2, "graphics", 24)

int nvmlDeviceGetMigMode(Device *device, u32 *current, u32 *pending) {
    BEGIN(device);
    int code = one(device, "mig", current);
    *pending = *current;
    return code;
}

int nvmlDeviceGetGpuInstanceId(Device *device, u32 *id) {
    BEGIN(device);
    return one(device, "gi", id);
}

int nvmlDeviceGetComputeInstanceId(Device *device, u32 *id) {
    BEGIN(device);
    return one(device, "ci", id);
}

int nvmlDeviceGetMaxMigDeviceCount(Device *device, u32 *count) {
    BEGIN(device);
    *count = 7;
    return OK;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, u32 index, Device **out) {
    char name[16], value[4096];
    BEGIN(device);
    snprintf(name, sizeof name, "%.4s.%u", device->name, index);
    handle(name, out);
    return figure(*out, "uuid", value) ? OK : NOT_FOUND;
}
#endif

#if DRIVER >= 510
typedef struct { u32 version; u64 total, reserved, free, used; } MemoryV2;

int nvmlDeviceGetMemoryInfo_v2(Device *device, MemoryV2 *out) {
    char value[4096];
    BEGIN(device);
    if (out->version != (sizeof *out | 2U << 24)) return 25;
    if (!figure(device, "total", value)) return NOT_SUPPORTED;
    out->total = number(device, "total");
    out->reserved = number(device, "reserved");
    out->free = number(device, "free");
    out->used = number(device, "used");
    return OK;
}

PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3, "compute", 24)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, "graphics", 24)
#endif

#if DRIVER >= 570
typedef struct { u32 version; int sensor, temperature; } Temperature;

int nvmlDeviceGetTemperatureV(Device *device, Temperature *out) {
    BEGIN(device);
    if (out->version != (sizeof *out | 1U << 24)) return 25;
    return out->sensor == 0 ? one(device, "temperature", (u32 *)&out->temperature) : INVALID;
}
#endif
