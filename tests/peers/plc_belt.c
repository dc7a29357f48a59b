/* The PLC of a whole line, written from the list of `inspector plc symbols` alone, for both roles: it knows names, and
 * takes every address and bit from the CSV. Light gate, encoder and ejector hang on its own bus coupler (Modbus TCP).
 *
 *   plc_belt SYMBOLS.csv STATION_PORT FIELD_PORT [options]   STATION_PORT: of the station, or where it finds us
 *     --decide N     encoder counts from the light gate to the decision
 *     --arrive N     ... to the ejector
 *     --leave N      ... to where the ejector may move again
 *     --watchdog MS  the coupler's output watchdog
 *   bus coupler: input registers 0-1 encoder, 2-3 parts at the light gate, 4-5 encoder latched at the newest, high word
 *   first; coil 0 passes a part (0: the flap rests at "eject"), coil 2 lets the belt run, coil 15 re-arms the watchdog
 *   stdout: "part SEQ pass|reject REASON" as decided; "unsure SEQ" where a pass was not on the flap in time; on SIGTERM
 *   one line of JSON
 */
#include <errno.h>
#include <getopt.h>
#include <modbus.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "plc_symbols.h"

enum { PLACES = 64, DEAD_MS = 1000, GIVE_UP_MS = 250, FRESH_MS = 100, COILS = 16, PASS = 0, PERMIT = 2, RE_ARM = 15 };

typedef struct {
    uint32_t seq, edge;
    int64_t since;
    uint16_t code;
    bool closed, ok, sure;
} Part;

typedef struct {
    Part parts[PLACES];
    int head, count;
} Queue;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Queue flying, waiting, passing; /* before the decision; not announced yet; decided OK, not past the ejector */
static Block control = {.prefix = "control"}, status = {.prefix = "status"};
static Block to_plc = {.prefix = "to_plc"}, from_plc = {.prefix = "from_plc"};
static uint32_t counted, trigger_seq, echo_seq, at_trigger;
static uint16_t beat;
static int64_t beat_at;
static bool alive, permit;
static unsigned long ok, ng, undecided, by_default, refused, bad_crc, unsure, lost_edges;
static unsigned long told_pass, told_fail, told_undecided;
static long decide_after, arrive_after, leave_after, watchdog_ms = 150;
static volatile sig_atomic_t stopping;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap(long ms) {
    struct timespec t = {0, ms * 1000000};
    nanosleep(&t, NULL);
}

static Part *place(Queue *queue, int i) { return &queue->parts[(queue->head + i) % PLACES]; }

static void push(Queue *queue, Part part) {
    if (queue->count == PLACES) die("more parts than places", "");
    *place(queue, queue->count++) = part;
}

static Part pop(Queue *queue) {
    Part part = *place(queue, 0);
    queue->head = (queue->head + 1) % PLACES;
    queue->count--;
    return part;
}

static int32_t since(uint32_t encoder, uint32_t edge) { return (int32_t)(encoder - edge); }

/* --- the belt */

static void decide(Part part) {
    const char *why = part.ok ? "ok" : part.code == 2 ? "ng" : part.code ? "undecided" : "default";
    part.closed = false; /* from here on: it has passed the ejector */
    if (part.ok) ok++, push(&passing, part);
    else if (part.code == 2) ng++;
    else if (part.code) undecided++;
    else by_default++;
    printf("part %u %s %s\n", part.seq, part.ok ? "pass" : "reject", why);
}

static void count_edges(uint32_t edges, uint32_t latched) {
    if (edges - counted > 1) lost_edges += edges - counted - 1;
    for (; counted != edges; counted++) {
        if (++trigger_seq == 0) trigger_seq = 1;
        at_trigger = latched;
        Part part = {.seq = trigger_seq, .edge = latched, .since = now_ms(), .closed = !alive};
        push(&flying, part);
        push(&waiting, part);
    }
}

/* A pass is sure if the flap stood open before the part came and was still open after it: no gap of the watchdog's. */
static bool let_through(uint32_t encoder, int64_t gap_ms, bool was_open) {
    bool open = false;
    for (int i = 0; i < passing.count; i++) {
        Part *part = place(&passing, i);
        int32_t gone = since(encoder, part->edge);
        if (gone >= arrive_after && !part->closed) {
            part->closed = true;
            part->sure = was_open && gap_ms < watchdog_ms;
        }
        open |= gone < leave_after;
    }
    while (passing.count && since(encoder, place(&passing, 0)->edge) >= leave_after) {
        Part part = pop(&passing);
        if (!part.sure) unsure++, printf("unsure %u\n", part.seq);
    }
    return open;
}

static void *belt(void *port) {
    modbus_t *field = modbus_new_tcp("127.0.0.1", *(int *)port);
    modbus_set_response_timeout(field, 0, 500000);
    bool connected = false, open = false;
    int64_t written_at = 0;
    while (!stopping) {
        uint16_t in[6];
        uint8_t coils[COILS] = {0};
        if (!connected && modbus_connect(field) == -1) {
            nap(20);
            continue;
        }
        connected = true;
        if (modbus_read_input_registers(field, 0, 6, in) == 6) {
            uint32_t encoder = (uint32_t)in[0] << 16 | in[1];
            pthread_mutex_lock(&lock);
            count_edges((uint32_t)in[2] << 16 | in[3], (uint32_t)in[4] << 16 | in[5]);
            while (flying.count && since(encoder, place(&flying, 0)->edge) >= decide_after) decide(pop(&flying));
            open = let_through(encoder, now_ms() - written_at, open);
            coils[PASS] = open;
            coils[PERMIT] = alive && permit;
            pthread_mutex_unlock(&lock);
            coils[RE_ARM] = 1;
            if (modbus_write_bits(field, 0, COILS, coils) == COILS) {
                written_at = now_ms();
                nap(2);
                continue;
            }
        }
        modbus_close(field);
        connected = open = false;
    }
    if (connected) modbus_close(field);
    modbus_free(field);
    return NULL;
}

/* --- the station, both roles */

static void live(uint16_t heartbeat) {
    if (heartbeat != beat) {
        alive = alive || beat != 0; /* the first one may be old: a change proves life */
        beat = heartbeat;
        beat_at = now_ms();
    }
}

static void supervise(void) {
    if (now_ms() - beat_at > DEAD_MS) alive = false;
    if (!alive)
        for (int i = 0; i < flying.count; i++) place(&flying, i)->closed = true;
}

static bool take(uint32_t seq, uint16_t code, bool enabled) {
    for (int i = 0; alive && code && i < flying.count; i++) {
        Part *part = place(&flying, i);
        if (part->seq != seq || part->closed) continue;
        part->closed = true;
        part->code = code;
        part->ok = enabled;
        return true;
    }
    return false;
}

/* --- the station is the server: we poll it */

static void lost(void) {
    put_bit(&control, "trigger", false);
    put_bit(&control, "inspection_results_ack", false);
    alive = false;
    beat = 0;
    supervise();
}

static void handshake(bool *raised, int64_t *raised_at, bool *settled) {
    live(word_of(&status, "heartbeat"));
    permit = bit_of(&status, "run_permit") && !bit_of(&status, "error");
    if (!bit_of(&status, "results_valid")) {
        put_bit(&control, "inspection_results_ack", false);
    } else if (!bit_of(&control, "inspection_results_ack")) {
        uint32_t seq = number_of(&status, "inspection_id");
        bool alone = bit_of(&status, "results_ok") && !bit_of(&status, "results_ng") && !bit_of(&status, "error");
        uint16_t code = word_of(&status, "result_code");
        bool took = take(seq, code, alone && code == 1);
        refused += !took;
        put_number(&control, "echo_seq", took ? seq : 0);
        put_bit(&control, "inspection_results_ack", true);
    }
    told_pass = number_of(&status, "pass_count");
    told_fail = number_of(&status, "fail_count");
    told_undecided = number_of(&status, "undecided_count");
    bool acked = bit_of(&status, "trigger_ack");
    if (*raised) {
        *raised = !acked && now_ms() - *raised_at <= GIVE_UP_MS;
    } else if (!*settled) {
        *settled = true;
    } else if (waiting.count && !acked) {
        Part part = pop(&waiting);
        *raised_at = now_ms();
        *raised = *raised_at - part.since <= FRESH_MS;
        put_number(&control, "trigger_seq", part.seq);
        put_number(&control, "encoder", part.edge);
    }
    put_bit(&control, "trigger", *raised);
    put_word(&control, "heartbeat_echo", beat);
}

static void poll_station(int port) {
    measure(&control);
    measure(&status);
    put_bit(&control, "trigger_enable", true);
    put_bit(&control, "buffer_results_enable", true);
    modbus_t *plc = modbus_new_tcp("127.0.0.1", port);
    modbus_set_slave(plc, 1);
    modbus_set_response_timeout(plc, 0, 250000);
    bool connected = false, raised = false, settled = false;
    int64_t raised_at = 0;
    while (!stopping) {
        if (!connected && modbus_connect(plc) == -1) {
            nap(50);
            continue;
        }
        connected = true;
        bool good = modbus_read_input_registers(plc, status.first, status.count, status.words) == status.count;
        pthread_mutex_lock(&lock);
        if (good) handshake(&raised, &raised_at, &settled);
        supervise();
        pthread_mutex_unlock(&lock);
        if (good && modbus_write_registers(plc, control.first, control.count, control.words) == control.count) {
            nap(2);
            continue;
        }
        modbus_close(plc);
        connected = raised = settled = false;
        pthread_mutex_lock(&lock);
        lost();
        pthread_mutex_unlock(&lock);
    }
    if (connected) modbus_close(plc);
    modbus_free(plc);
}

/* --- the station is the client: it writes into us */

static uint16_t crc_of(const char **names, int n) {
    uint16_t crc = 0xFFFF;
    for (int i = 0; i < 2 * n; i++) {
        uint16_t word = word_of(&to_plc, names[i / 2]);
        crc ^= i % 2 ? word & 0xFF : word >> 8;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? (uint16_t)(crc >> 1 ^ 0xA001) : (uint16_t)(crc >> 1);
    }
    return crc;
}

static void block_written(void) {
    const char *names[] = {"layout", "heartbeat", "state", "part_seq_high", "part_seq_low", "result_code", "severity"};
    if (word_of(&to_plc, "layout") != 1 || crc_of(names, 7) != word_of(&to_plc, "crc")) {
        bad_crc++;
        return;
    }
    live(word_of(&to_plc, "heartbeat"));
    bool error = bit_of(&to_plc, "state.error");
    permit = bit_of(&to_plc, "state.run_permit") && !error;
    uint32_t seq = number_of(&to_plc, "part_seq");
    uint16_t code = word_of(&to_plc, "result_code");
    if (take(seq, code, code == 1 && !error)) echo_seq = seq;
}

static void answer(modbus_mapping_t *map) {
    put_word(&from_plc, "heartbeat_echo", beat);
    put_number(&from_plc, "encoder", at_trigger);
    put_number(&from_plc, "trigger_seq", trigger_seq);
    put_number(&from_plc, "echo_seq", echo_seq);
    put_bit(&from_plc, "status.enable", true);
    memcpy(&map->tab_registers[from_plc.first], from_plc.words, sizeof(uint16_t) * (size_t)from_plc.count);
}

static void serve_station(int port) {
    measure(&to_plc);
    measure(&from_plc);
    int last = to_plc.first + to_plc.count, end = from_plc.first + from_plc.count;
    modbus_t *plc = modbus_new_tcp("127.0.0.1", port);
    modbus_mapping_t *map = modbus_mapping_new(0, 0, last > end ? last : end, 0);
    int server = modbus_tcp_listen(plc, 4), highest = server;
    if (server == -1) die("cannot listen:", modbus_strerror(errno));
    fd_set all;
    FD_ZERO(&all);
    FD_SET(server, &all);
    while (!stopping) {
        fd_set ready = all;
        struct timeval tick = {.tv_usec = 5000};
        int found = select(highest + 1, &ready, NULL, NULL, &tick);
        pthread_mutex_lock(&lock);
        supervise();
        pthread_mutex_unlock(&lock);
        for (int fd = 0; found > 0 && fd <= highest; fd++) {
            if (!FD_ISSET(fd, &ready)) continue;
            if (fd == server) {
                int client = accept(server, NULL, NULL);
                if (client < 0) continue;
                FD_SET(client, &all);
                if (client > highest) highest = client;
                continue;
            }
            uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
            modbus_set_socket(plc, fd);
            int length = modbus_receive(plc, query), header = modbus_get_header_length(plc);
            if (length == -1) {
                close(fd);
                FD_CLR(fd, &all);
                continue;
            }
            if (length == 0) continue;
            pthread_mutex_lock(&lock);
            answer(map);
            modbus_reply(plc, query, length, map);
            if (query[header] == MODBUS_FC_WRITE_MULTIPLE_REGISTERS) {
                memcpy(to_plc.words, &map->tab_registers[to_plc.first], sizeof(uint16_t) * (size_t)to_plc.count);
                block_written();
            }
            pthread_mutex_unlock(&lock);
        }
    }
    modbus_mapping_free(map);
    modbus_free(plc);
}

static void on_signal(int number) { (void)number; stopping = 1; }

int main(int argc, char **argv) {
    static const struct option names[] = {
        {"decide", 1, 0, 'd'}, {"arrive", 1, 0, 'a'}, {"leave", 1, 0, 'l'}, {"watchdog", 1, 0, 'w'}, {0, 0, 0, 0}};
    for (int o; (o = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (o == 'd') decide_after = atol(optarg);
        else if (o == 'a') arrive_after = atol(optarg);
        else if (o == 'l') leave_after = atol(optarg);
        else if (o == 'w') watchdog_ms = atol(optarg);
        else exit(64);
    }
    if (optind + 3 > argc) die("usage: plc_belt SYMBOLS.csv STATION_PORT FIELD_PORT [options];", "see its head");
    load(argv[optind]);
    int port = atoi(argv[optind + 1]), field = atoi(argv[optind + 2]);
    struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGTERM, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, belt, &field);
    if (!strcmp(list_role, "server")) poll_station(port);
    else serve_station(port);
    pthread_join(thread, NULL);
    printf("{\"parts\": %u, \"ok\": %lu, \"ng\": %lu, \"undecided\": %lu, \"default\": %lu, \"refused\": %lu, "
           "\"bad_crc\": %lu, \"unsure\": %lu, \"lost_edges\": %lu, \"told_pass\": %lu, \"told_fail\": %lu, "
           "\"told_undecided\": %lu}\n", trigger_seq, ok, ng, undecided, by_default, refused, bad_crc, unsure, lost_edges,
           told_pass, told_fail, told_undecided);
    return 0;
}
