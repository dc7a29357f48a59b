/* A PLC around FB_Inspector: the structured text that `inspector plc symbols --format st` printed, put line by line into
 * C (fb.h), on libmodbus. The belt moves one count a millisecond.
 *   plc_st PORT [--period MS] [--count N] [--window MS] [--start SEQ]     prints what plc_v1 prints
 *   stdin: trigger [N] | stop
 */
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fb.h"

static volatile sig_atomic_t stopping;
static struct fb fb;
static modbus_mapping_t *map;
static unsigned long triggers, passed, rejected;
static long to_base = 0, from_base = 100;

static uint32_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static void cycle(bool trigger) {
    bool alive = fb.line_alive;
    fb.now = fb.position = now_ms();
    fb.trigger = trigger;
    for (int i = 0; i < 8; i++) fb.to_plc[i] = map->tab_registers[to_base + i];
    fb_call(&fb);
    for (int i = 0; i < 17; i++) map->tab_registers[from_base + i] = fb.from_plc[i];
    if (fb.line_alive != alive) printf("line %s\n", fb.line_alive ? "alive" : "dead");
    if (!fb.decided) return;
    if (fb.eject) rejected++;
    else passed++;
    printf("part %u %s code %u\n", fb.decided_seq, fb.eject ? "reject" : "pass", fb.decided_code);
}

static void trigger(void) {
    cycle(true);
    cycle(false);
    triggers++;
    printf("trigger %u\n", fb.trigger_seq);
}

static void on_signal(int number) { (void)number; stopping = 1; }

int main(int argc, char **argv) {
    long period = 0, count = 0;
    fb.decide_after = 300;
    fb.status = 1;
    for (int i = 2; i + 1 < argc; i += 2) {
        long value = strtol(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--period")) period = value;
        else if (!strcmp(argv[i], "--count")) count = value;
        else if (!strcmp(argv[i], "--window")) fb.decide_after = (uint32_t)value;
        else if (!strcmp(argv[i], "--start")) fb.trigger_seq = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else return 64;
    }
    struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGTERM, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", argc > 1 ? atoi(argv[1]) : 0);
    map = modbus_mapping_new(0, 0, 200, 0);
    int server = modbus_tcp_listen(ctx, 16), highest = server;
    if (server == -1) return 1;
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    getsockname(server, (struct sockaddr *)&address, &size);
    fd_set all;
    FD_ZERO(&all);
    FD_SET(server, &all);
    FD_SET(STDIN_FILENO, &all);
    cycle(false);
    printf("ready %d\n", ntohs(address.sin_port));
    uint32_t next = now_ms() + (uint32_t)period;
    while (!stopping) {
        fd_set ready = all;
        struct timeval tick = {.tv_usec = 1000};
        int found = select(highest + 1, &ready, NULL, NULL, &tick);
        cycle(false);
        if (period && fb.run_permit && (int32_t)(now_ms() - next) >= 0 && (!count || triggers < (unsigned long)count)) {
            trigger();
            next = now_ms() + (uint32_t)period;
        }
        for (int fd = 0; found > 0 && fd <= highest; fd++) {
            if (!FD_ISSET(fd, &ready)) continue;
            if (fd == server) {
                int client = accept(server, NULL, NULL);
                if (client < 0) continue;
                FD_SET(client, &all);
                if (client > highest) highest = client;
            } else if (fd == STDIN_FILENO) {
                char line[256];
                ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
                if (n <= 0) {
                    FD_CLR(STDIN_FILENO, &all);
                    continue;
                }
                line[n] = 0;
                char *save = NULL;
                for (char *one = strtok_r(line, "\n", &save); one; one = strtok_r(NULL, "\n", &save)) {
                    if (!strncmp(one, "trigger", 7)) for (long k = one[7] ? atol(one + 7) : 1; k > 0; k--) trigger();
                    else if (!strcmp(one, "stop")) stopping = 1;
                }
            } else {
                uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
                modbus_set_socket(ctx, fd);
                int length = modbus_receive(ctx, query);
                if (length == -1) {
                    close(fd);
                    FD_CLR(fd, &all);
                } else if (length > 0) {
                    modbus_reply(ctx, query, length, map);
                    cycle(false);
                }
            }
        }
    }
    printf("{\"triggers\": %lu, \"passed\": %lu, \"rejected\": %lu}\n", triggers, passed, rejected);
    return 0;
}
