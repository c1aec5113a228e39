/* A device library whose device is lost at the first call, for tests: the interface is kernels/src/device.rs. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reply { char *data; size_t capacity, length; };
struct model { void *handle; size_t hidden, heads, positions; };

static void say(struct reply *reply, const char *text) {
    reply->length = strlen(text) < reply->capacity ? strlen(text) : reply->capacity;
    memcpy(reply->data, text, reply->length);
}

static uint32_t describe(struct reply *reply) {
    say(reply, "cpu-float\t0\t0\t\ta device that fails\n");
    return 0;
}

static uint32_t open_model(const void *request, struct model *model, struct reply *reply) {
    static int here;
    (void)request, (void)reply;
    *model = (struct model){&here, 384, HEADS, 512};
    return 0;
}

static uint32_t forward(void *handle, void *call, struct reply *reply) {
    (void)handle, (void)call;
    say(reply, "it fell off the bus");
    return 5;
}

static void close_model(void *handle) { (void)handle; }

static const struct {
    uint32_t abi;
    const char *version;
    size_t version_length;
    uint32_t (*describe)(struct reply *);
    uint32_t (*open)(const void *, struct model *, struct reply *);
    uint32_t (*forward)(void *, void *, struct reply *);
    void (*close)(void *);
} table = {1, VERSION, sizeof(VERSION) - 1, describe, open_model, forward, close_model};

const void *portcullis_device(void) { return &table; }
