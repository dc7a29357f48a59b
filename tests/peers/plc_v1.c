/* A complete PLC of layout 1, written from docs/plc.md alone: the real peer of the gate's tests.
 *
 *   plc_v1 PORT [options]       PORT 0: any free port; the first line printed is "ready PORT"
 *     --period MS               a trigger each MS (0, default: only by "trigger" on stdin)
 *     --count N                 stop triggering after N parts (0: never)
 *     --window MS               the gate decides a part MS after its trigger (default 500)
 *     --start SEQ               trigger_seq before the first part (default 0)
 *     --wait-permit             no periodic trigger before the line's run_permit
 *     --no-echo                 do not echo part_seq
 *     --no-heartbeat-echo       do not echo the heartbeat (a stopped PLC program)
 *     --unit N                  stay silent to any other unit id (default: answer all)
 *     --to A --from A           base addresses (default 0 and 100)
 *     --rtu DEVICE       serve a serial line (19200 8N1) instead of PORT
 *     --swap-bytes --low-first  byte_order = "little", word_order = "low_first"
 *   stdin: trigger [N] | echo on|off | heartbeat on|off | encoder N | job N | status N | part-id TEXT | lot TEXT | stop
 *   stdout: "ready PORT", "trigger SEQ", "line alive|dead", "part SEQ pass|reject REASON", and on stop or SIGTERM
 *   one line of JSON: {triggers, passed, rejected, late, stale, bad_crc, duplicates}
 */
#include <errno.h>
#include <getopt.h>
#include <modbus.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TO_WORDS = 8, FROM_WORDS = 17, SLOTS = 1024, DEAD_MS = 1000 };
enum { STATE_ERROR = 8, STATE_RUN_PERMIT = 64 };

typedef struct {
    uint32_t seq;     /* 0: this slot was never used */
    int64_t ends;     /* monotonic ms */
    bool decided;     /* by a result, or by default */
    bool by_result;
    uint16_t code;    /* of the result that decided */
} Part;

static Part parts[SLOTS];
static uint32_t trigger_seq, last_seen_seq;
static uint16_t last_seen_code;
static unsigned long triggers, passed, rejected, late, stale, bad_crc, duplicates;
static bool echo = true, heartbeat_echo = true, wait_permit, swap_bytes, low_first, line_alive;
static uint16_t heartbeat, state;
static int64_t heartbeat_at = -1;
static long period, count, window = 500, to_base = 0, from_base = 100;
static int unit = -1;
static const char *rtu;
static modbus_mapping_t *map;
static volatile sig_atomic_t stopping;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint16_t wire(uint16_t word) { return swap_bytes ? (uint16_t)(word << 8 | word >> 8) : word; }
static uint16_t to_word(int i) { return wire(map->tab_registers[to_base + i]); }
static void set_word(int i, uint16_t value) { map->tab_registers[from_base + i] = wire(value); }

static void set_number(int high, uint32_t value) {
    set_word(low_first ? high + 1 : high, (uint16_t)(value >> 16));
    set_word(low_first ? high : high + 1, (uint16_t)value);
}

static void set_text(int first, const char *text) {
    char padded[8] = {0};
    memcpy(padded, text, strnlen(text, 8));
    for (int i = 0; i < 4; i++)
        set_word(first + i, (uint16_t)((unsigned char)padded[2 * i] << 8 | (unsigned char)padded[2 * i + 1]));
}

static uint16_t crc_of(const uint16_t *words, int n) {
    uint16_t crc = 0xFFFF;
    for (int i = 0; i < 2 * n; i++) {
        crc ^= i % 2 ? words[i / 2] & 0xFF : words[i / 2] >> 8;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? (uint16_t)(crc >> 1 ^ 0xA001) : (uint16_t)(crc >> 1);
    }
    return crc;
}

static void decide(Part *part, bool pass, const char *reason) {
    part->decided = true;
    if (pass) passed++;
    else rejected++;
    printf("part %u %s %s\n", part->seq, pass ? "pass" : "reject", reason);
}

static void reject_all(const char *reason) {
    for (int i = 0; i < SLOTS; i++)
        if (parts[i].seq && !parts[i].decided) decide(&parts[i], false, reason);
}

/* The clock first, messages second: after a stall no late message may overtake the end of a window. */
static void pass_of_time(int64_t now) {
    if (line_alive && now - heartbeat_at > DEAD_MS) {
        line_alive = false;
        printf("line dead\n");
        reject_all("line-dead");
    }
    for (int i = 0; i < SLOTS; i++)
        if (parts[i].seq && !parts[i].decided && now >= parts[i].ends) decide(&parts[i], false, "default");
}

static void trigger(int64_t now) {
    if (++trigger_seq == 0) trigger_seq = 1;
    triggers++;
    Part *part = &parts[trigger_seq % SLOTS];
    if (part->seq && !part->decided) decide(part, false, "overrun");
    *part = (Part){.seq = trigger_seq, .ends = now + window};
    set_number(1, trigger_seq);
    printf("trigger %u\n", trigger_seq);
    if (!line_alive) decide(part, false, "line-dead");
}

static void take_result(uint32_t seq, uint16_t code) {
    if (code == 0 || seq == 0) return;
    Part *part = &parts[seq % SLOTS];
    bool repeat = seq == last_seen_seq && code == last_seen_code;
    if (part->seq != seq) {
        if (!repeat) stale++;
    } else if (part->decided && !part->by_result) {
        if (!repeat) late++;
    } else if (part->decided) {
        if (!repeat || part->code != code) duplicates++;
    } else {
        part->by_result = true;
        part->code = code;
        bool error = state & STATE_ERROR;
        decide(part, code == 1 && !error, error ? "error" : code == 1 ? "ok" : code == 2 ? "ng" : "undecided");
        if (echo) set_number(3, seq);
    }
}

static void block_written(int64_t now) {
    uint16_t words[TO_WORDS];
    for (int i = 0; i < TO_WORDS; i++) words[i] = to_word(i);
    if (low_first) {
        uint16_t first = words[3];
        words[3] = words[4];
        words[4] = first;
    }
    if (words[0] != 1 || crc_of(words, TO_WORDS - 1) != words[7]) {
        bad_crc++;
        return;
    }
    if (heartbeat_at < 0 || words[1] != heartbeat) {
        heartbeat = words[1];
        heartbeat_at = now;
        if (!line_alive) printf("line alive\n");
        line_alive = true;
    }
    state = words[2];
    if (heartbeat_echo) set_word(0, heartbeat);
    uint32_t seq = (uint32_t)words[3] << 16 | words[4];
    take_result(seq, words[5]);
    last_seen_seq = seq;
    last_seen_code = words[5];
}

static bool is_block_write(const uint8_t *query, int header) {
    long address = query[header + 1] << 8 | query[header + 2], words = query[header + 3] << 8 | query[header + 4];
    return query[header] == MODBUS_FC_WRITE_MULTIPLE_REGISTERS && address == to_base && words == TO_WORDS;
}

static void command(char *line, int64_t now) {
    char *word = strtok(line, " \n"), *rest = strtok(NULL, "\n");
    if (!word) return;
    if (!strcmp(word, "trigger")) for (long n = rest ? atol(rest) : 1; n > 0; n--) trigger(now);
    else if (!strcmp(word, "echo")) echo = rest && !strcmp(rest, "on");
    else if (!strcmp(word, "heartbeat")) heartbeat_echo = rest && !strcmp(rest, "on");
    else if (!strcmp(word, "encoder")) set_number(6, rest ? (uint32_t)strtoul(rest, NULL, 10) : 0);
    else if (!strcmp(word, "job")) set_word(12, rest ? (uint16_t)atol(rest) : 0);
    else if (!strcmp(word, "status")) set_word(5, rest ? (uint16_t)atol(rest) : 0);
    else if (!strcmp(word, "part-id")) set_text(8, rest ? rest : "");
    else if (!strcmp(word, "lot")) set_text(13, rest ? rest : "");
    else if (!strcmp(word, "stop")) stopping = 1;
}

static void on_signal(int number) { (void)number; stopping = 1; }

static long options(int argc, char **argv) {
    static const struct option known[] = {
        {"period", 1, 0, 'p'}, {"count", 1, 0, 'c'}, {"window", 1, 0, 'w'}, {"start", 1, 0, 's'},
        {"wait-permit", 0, 0, 'r'}, {"no-echo", 0, 0, 'e'}, {"no-heartbeat-echo", 0, 0, 'h'}, {"unit", 1, 0, 'u'},
        {"to", 1, 0, 't'}, {"from", 1, 0, 'f'}, {"swap-bytes", 0, 0, 'b'}, {"low-first", 0, 0, 'l'},
        {"rtu", 1, 0, 'd'}, {0, 0, 0, 0}};
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (o == 'p') period = atol(optarg);
        else if (o == 'c') count = atol(optarg);
        else if (o == 'w') window = atol(optarg);
        else if (o == 's') trigger_seq = (uint32_t)strtoul(optarg, NULL, 10);
        else if (o == 'r') wait_permit = true;
        else if (o == 'e') echo = false;
        else if (o == 'h') heartbeat_echo = false;
        else if (o == 'u') unit = atoi(optarg);
        else if (o == 't') to_base = atol(optarg);
        else if (o == 'f') from_base = atol(optarg);
        else if (o == 'b') swap_bytes = true;
        else if (o == 'l') low_first = true;
        else if (o == 'd') rtu = optarg;
        else exit(64);
    }
    if (optind >= argc) {
        fprintf(stderr, "usage: plc_v1 PORT [options]; see the head of plc_v1.c\n");
        exit(64);
    }
    return atol(argv[optind]);
}

static void serve(modbus_t *ctx, int fd, fd_set *all) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int header = modbus_get_header_length(ctx);
    modbus_set_socket(ctx, fd);
    int length = modbus_receive(ctx, query);
    if (length == -1 && rtu) {
        modbus_flush(ctx); /* noise on the line; the line stays */
        return;
    }
    if (length == -1) {
        close(fd);
        FD_CLR(fd, all);
        return;
    }
    if (length == 0 || (unit >= 0 && query[header - 1] != unit)) return;
    int64_t now = now_ms();
    pass_of_time(now);
    if (modbus_reply(ctx, query, length, map) != -1 && is_block_write(query, header)) block_written(now);
}

int main(int argc, char **argv) {
    long port = options(argc, argv);
    struct sigaction stop = {.sa_handler = on_signal}; /* no SA_RESTART: select returns */
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);

    long last = to_base + TO_WORDS > from_base + FROM_WORDS ? to_base + TO_WORDS : from_base + FROM_WORDS;
    modbus_t *ctx = rtu ? modbus_new_rtu(rtu, 19200, 'N', 8, 1) : modbus_new_tcp("127.0.0.1", (int)port);
    map = modbus_mapping_new(0, 0, (int)last, 0);
    if (rtu && ctx) modbus_set_slave(ctx, unit < 0 ? 1 : unit);
    int server = !ctx || !map ? -1 : rtu ? modbus_connect(ctx) + modbus_get_socket(ctx) : modbus_tcp_listen(ctx, 16);
    if (server == -1 || (rtu && server < 0)) {
        fprintf(stderr, "plc_v1: port %ld: %s\n", port, modbus_strerror(errno));
        return 1;
    }
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    if (!rtu) getsockname(server, (struct sockaddr *)&address, &size);
    set_number(1, trigger_seq);
    printf("ready %d\n", ntohs(address.sin_port));

    fd_set all;
    FD_ZERO(&all);
    FD_SET(server, &all);
    FD_SET(STDIN_FILENO, &all);
    int highest = server;
    int64_t next = now_ms() + period;
    while (!stopping) {
        fd_set ready = all;
        struct timeval tick = {.tv_usec = 1000};
        int found = select(highest + 1, &ready, NULL, NULL, &tick);
        int64_t now = now_ms();
        pass_of_time(now);
        bool permit = !wait_permit || triggers || (line_alive && state & STATE_RUN_PERMIT);
        if (period && !permit) next = now + period;
        if (period && now >= next && (!count || triggers < (unsigned long)count)) {
            trigger(now);
            next = next + period > now ? next + period : now + period; /* no burst after a stall */
        }
        if (found <= 0) continue;
        for (int fd = 0; fd <= highest; fd++) {
            if (!FD_ISSET(fd, &ready)) continue;
            if (fd == server && !rtu) {
                int client = accept(server, NULL, NULL);
                if (client < 0 || client >= FD_SETSIZE) continue;
                FD_SET(client, &all);
                if (client > highest) highest = client;
            } else if (fd == STDIN_FILENO) {
                char line[1024];
                ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
                if (n <= 0) {
                    FD_CLR(STDIN_FILENO, &all);
                    continue;
                }
                line[n] = 0;
                char *save = NULL;
                for (char *one = strtok_r(line, "\n", &save); one; one = strtok_r(NULL, "\n", &save)) command(one, now);
            } else {
                serve(ctx, fd, &all);
            }
        }
    }
    reject_all("stop");
    printf("{\"triggers\": %lu, \"passed\": %lu, \"rejected\": %lu, \"late\": %lu, \"stale\": %lu, \"bad_crc\": %lu, "
           "\"duplicates\": %lu}\n", triggers, passed, rejected, late, stale, bad_crc, duplicates);
    modbus_mapping_free(map);
    modbus_free(ctx);
    return 0;
}
