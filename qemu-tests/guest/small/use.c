/*
 * Uses a device and says in one word whether it works: "ok", or what is wrong.
 *
 *   use sound CARD        plays through the card, longer than its buffer: samples must have left it
 *   use screen FB RRGGBB  fills the frame buffer FB (0 for /dev/fb0) with a colour
 *   use input EVENT...    waits for a key, a button, or a movement from one of the event devices (event0)
 *   use edu DEVICE        has QEMU's edu DEVICE (0000:00:05.0) compute
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <linux/input.h>
#include <poll.h>
#include <sound/asound.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RATE = 48000, CHANNELS = 2, PERIOD = 2048, BUFFER = 8192, PLAYED = 3 * BUFFER, LIMIT = 20, MOST_EVENTS = 16 };

static int say(const char *result) { puts(result); return strcmp(result, "ok") != 0; }

static void choose(struct snd_pcm_hw_params *p, int mask, unsigned value)
{
    struct snd_mask *m = &p->masks[mask - SNDRV_PCM_HW_PARAM_FIRST_MASK];
    memset(m, 0, sizeof *m);
    m->bits[value / 32] = 1u << value % 32;
}

static void limit(struct snd_pcm_hw_params *p, int interval, unsigned low, unsigned high)
{
    struct snd_interval *i = &p->intervals[interval - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL];
    *i = (struct snd_interval){ .min = low, .max = high, .integer = low == high };
}

static int sound(const char *card)
{
    char path[64];
    struct snd_pcm_hw_params p;
    static int16_t samples[PERIOD * CHANNELS];
    snprintf(path, sizeof path, "/dev/snd/pcmC%sD0p", card);
    int pcm = open(path, O_WRONLY);
    if (pcm < 0) return say("no-device");
    memset(&p, 0, sizeof p);
    memset(p.masks, 0xFF, sizeof p.masks);
    for (int i = SNDRV_PCM_HW_PARAM_FIRST_INTERVAL; i <= SNDRV_PCM_HW_PARAM_LAST_INTERVAL; i++) limit(&p, i, 0, UINT32_MAX);
    choose(&p, SNDRV_PCM_HW_PARAM_ACCESS, SNDRV_PCM_ACCESS_RW_INTERLEAVED);
    choose(&p, SNDRV_PCM_HW_PARAM_FORMAT, SNDRV_PCM_FORMAT_S16_LE);
    choose(&p, SNDRV_PCM_HW_PARAM_SUBFORMAT, SNDRV_PCM_SUBFORMAT_STD);
    limit(&p, SNDRV_PCM_HW_PARAM_CHANNELS, CHANNELS, CHANNELS);
    limit(&p, SNDRV_PCM_HW_PARAM_RATE, RATE, RATE);
    limit(&p, SNDRV_PCM_HW_PARAM_PERIOD_SIZE, PERIOD / 2, PERIOD);
    limit(&p, SNDRV_PCM_HW_PARAM_BUFFER_SIZE, PERIOD, BUFFER);
    p.rmask = ~0u;
    if (ioctl(pcm, SNDRV_PCM_IOCTL_HW_PARAMS, &p)) return say("no-parameters");
    if (ioctl(pcm, SNDRV_PCM_IOCTL_PREPARE)) return say("not-prepared");
    for (int i = 0; i < PERIOD * CHANNELS; i++) samples[i] = (int16_t)(i * 331);
    for (int played = 0; played < PLAYED;) {
        struct snd_xferi part = { .buf = samples, .frames = PERIOD };
        if (!ioctl(pcm, SNDRV_PCM_IOCTL_WRITEI_FRAMES, &part)) {
            if (part.result <= 0) return say("nothing-taken");
            played += part.result;
        } else if (errno != EPIPE || ioctl(pcm, SNDRV_PCM_IOCTL_PREPARE)) {
            /* An empty buffer means that everything was played. */
            return say(errno == EIO ? "does-not-play" : "not-taken");
        }
    }
    return say("ok");
}

static uint32_t component(struct fb_bitfield field, unsigned value) { return field.length ? value >> (8 - field.length) << field.offset : 0; }

static int screen(const char *number, const char *colour)
{
    char path[64];
    struct fb_var_screeninfo mode;
    struct fb_fix_screeninfo fixed;
    unsigned rgb = strtoul(colour, NULL, 16);
    snprintf(path, sizeof path, "/dev/fb%s", number);
    int fb = open(path, O_RDWR);
    if (fb < 0) return say("no-device");
    if (ioctl(fb, FBIOGET_VSCREENINFO, &mode)) return say("no-mode");
    mode.activate = FB_ACTIVATE_NOW | FB_ACTIVATE_FORCE;
    if (ioctl(fb, FBIOPUT_VSCREENINFO, &mode)) return say("mode-not-set");
    ioctl(fb, FBIOBLANK, FB_BLANK_UNBLANK);
    if (ioctl(fb, FBIOGET_FSCREENINFO, &fixed) || mode.bits_per_pixel < 16) return say("no-mode");
    uint32_t pixel = component(mode.red, rgb >> 16 & 0xFF) | component(mode.green, rgb >> 8 & 0xFF) | component(mode.blue, rgb & 0xFF);
    size_t bytes = mode.bits_per_pixel / 8;
    /* All at once: Linux 6.1 shows nothing of a write that is one line exactly. */
    size_t all = (size_t)fixed.line_length * mode.yres;
    uint8_t *picture = malloc(all + sizeof pixel);
    for (size_t at = 0; at + bytes <= all; at += bytes) memcpy(picture + at, &pixel, bytes);
    if (pwrite(fb, picture, all, 0) != (ssize_t)all) return say("not-written");
    return say("ok");
}

static int input(int count, char **names)
{
    struct pollfd events[MOST_EVENTS];
    char path[64];
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "/dev/input/%s", names[i]);
        events[i] = (struct pollfd){ .fd = open(path, O_RDONLY), .events = POLLIN };
        if (events[i].fd < 0) return say("no-device");
    }
    while (poll(events, count, -1) > 0)
        for (int i = 0; i < count; i++) {
            struct input_event event;
            if (events[i].revents && read(events[i].fd, &event, sizeof event) != sizeof event) return say("gone");
            if (events[i].revents && (event.type == EV_KEY || event.type == EV_REL || event.type == EV_ABS)) return say("ok");
        }
    return say("no-events");
}

/* QEMU's docs/specs/edu.txt */
static int edu(const char *device)
{
    enum { IDENTITY = 0x00, LIVENESS = 0x04, FACTORIAL = 0x08, STATE = 0x20, BUSY = 1, BYTES = 4096 };
    char path[128];
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/enable", device);
    FILE *enable = fopen(path, "w");
    if (!enable) return say("no-device");
    fputs("1", enable);
    fclose(enable);
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/resource0", device);
    volatile uint8_t *registers = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, open(path, O_RDWR | O_SYNC), 0);
    if (registers == MAP_FAILED) return say("no-registers");
    if ((*(volatile uint32_t *)(registers + IDENTITY) & 0xFFFF) != 0x00ED) return say("no-identity");
    *(volatile uint32_t *)(registers + LIVENESS) = 0x12345678;
    if (*(volatile uint32_t *)(registers + LIVENESS) != ~0x12345678u) return say("no-answer");
    *(volatile uint32_t *)(registers + FACTORIAL) = 10;
    while (*(volatile uint32_t *)(registers + STATE) & BUSY) usleep(1000);
    return say(*(volatile uint32_t *)(registers + FACTORIAL) == 3628800 ? "ok" : "wrong-result");
}

int main(int count, char **arguments)
{
    const char *what = count > 2 ? arguments[1] : "";
    /* Whoever reads the answer gets none. */
    alarm(LIMIT);
    if (!strcmp(what, "sound")) return sound(arguments[2]);
    if (!strcmp(what, "screen") && count == 4) return screen(arguments[2], arguments[3]);
    if (!strcmp(what, "input") && count - 2 <= MOST_EVENTS) return input(count - 2, arguments + 2);
    if (!strcmp(what, "edu")) return edu(arguments[2]);
    fputs("use sound CARD | screen FB RRGGBB | input EVENT... | edu DEVICE\n", stderr);
    return 2;
}
