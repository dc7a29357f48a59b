/* A PLC program for the server role, on libmodbus, written from the list of `inspector plc symbols` alone:
 * it knows names, and takes every address and bit from the CSV. It polls the station and runs the handshake.
 *
 *   plc_scan HOST PORT UNIT SYMBOLS.csv [options]
 *     --cycles N         parts to run (default 200)
 *     --window MS        a part that has no valid answer by then is rejected (default 1000)
 *     --scan MS          pause between two scans (default 2)
 *     --break-every N    hang up in the middle of every Nth handshake, at places that vary (0: never)
 *     --mirror           read the holding mirror instead of the input registers
 *     --start SEQ        trigger_seq before the first part (default 0)
 *     --job N            job number asked for
 *     --swap-bytes       byte_order = "little"
 *   stdout: "part SEQ pass|reject REASON" for every part, and one line of JSON at the end. Part SEQ is expected to be
 *   OK where SEQ % 3 == 1, NG where it is 2, not decidable where it is 0 (--any: whatever the station says).
 */
#include <errno.h>
#include <getopt.h>
#include <modbus.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plc_symbols.h"

enum { DEAD_MS = 1000 };

static Block control = {.prefix = "control"}, status = {.prefix = "status"};
static bool any;
static long cycles = 200, window = 1000, scan_ms = 2, break_every, job;
static uint32_t trigger_seq;
static modbus_t *plc;
static bool connected;
static unsigned long ok, ng, undecided, by_default, wrong, stale, reconnects, refused;
static uint16_t last_beat;
static int64_t beat_at = -1;
static volatile sig_atomic_t stopping;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void set_word(const char *name, uint16_t value) { put_word(&control, name, value); }
static void set_bit(const char *name, bool on) { put_bit(&control, name, on); }
static void set_number(const char *name, uint32_t value) { put_number(&control, name, value); }

static void hang_up(void) {
    if (connected) modbus_close(plc);
    connected = false;
    beat_at = -1;
    set_bit("trigger", false);
    set_bit("inspection_results_ack", false);
}

/* One scan: read the status, copy the heartbeat, write the control block. False where the station did not answer. */
static bool scan(void) {
    if (!connected) {
        if (modbus_connect(plc) == -1) return nap(20), false;
        connected = true;
    }
    int read = status.input ? modbus_read_input_registers(plc, status.first, status.count, status.words)
                            : modbus_read_registers(plc, status.first, status.count, status.words);
    if (read != status.count) return refused++, hang_up(), false;
    uint16_t beat = word_of(&status, "heartbeat");
    if (beat != last_beat) beat_at = now_ms();
    last_beat = beat;
    set_word("heartbeat_echo", beat);
    if (modbus_write_registers(plc, control.first, control.count, control.words) != control.count)
        return refused++, hang_up(), false;
    nap(scan_ms);
    return true;
}

static bool alive(void) { return beat_at >= 0 && now_ms() - beat_at <= DEAD_MS; }

static void decide(uint32_t seq, bool pass, const char *reason) {
    printf("part %u %s %s\n", seq, pass ? "pass" : "reject", reason);
}

/* What the station says of this part; "wrong" where its words contradict each other or what was agreed. */
static void judge(uint32_t seq) {
    bool is_ok = bit_of(&status, "results_ok"), is_ng = bit_of(&status, "results_ng");
    bool is_undecided = bit_of(&status, "results_undecided");
    uint16_t code = word_of(&status, "result_code");
    bool pass = is_ok && !is_ng && !bit_of(&status, "error") && code == 1;
    bool fits = pass ? !is_undecided && bit_of(&status, "job_pass")
                     : is_ng && !is_ok && (code == 2 || (code == 3 && is_undecided));
    int agreed = seq % 3 == 1 ? 1 : seq % 3 == 2 ? 2 : 3;
    if (!fits || (!any && code != agreed)) {
        wrong++;
        printf("wrong: part %u code %u ok %d ng %d\n", seq, code, is_ok, is_ng);
    }
    if (pass) ok++;
    else if (code == 2) ng++;
    else undecided++;
    decide(seq, pass, pass ? "ok" : code == 2 ? "ng" : "undecided");
}

enum Place { NOWHERE, TRIGGERED, ACKED, RESULT_SEEN, RESULT_ACKED, PLACES };

static enum Place breaking(long part) {
    if (!break_every || part % break_every) return NOWHERE;
    return (enum Place)(1 + part / break_every % (PLACES - 1));
}

static bool broke(enum Place here, enum Place wanted, int64_t wait_ms) {
    if (here != wanted) return false;
    if (wait_ms) nap(wait_ms); /* the station finishes the part meanwhile: its result waits for nobody */
    hang_up();
    reconnects++;
    return true;
}

/* Until a condition holds: 1; the window is over, the link dead or the connection lost: 0. */
static bool until(bool (*holds)(void), int64_t ends) {
    while (!stopping && now_ms() < ends) {
        if (!scan()) {
            if (!connected) return false;
            continue;
        }
        if (now_ms() >= ends) return false; /* what was read may have waited: the window counts, not the scan */
        if (holds()) return true;
        if (!alive()) return false;
    }
    return false;
}

static bool is_acked(void) { return bit_of(&status, "trigger_ack"); }
static bool is_unacked(void) { return !bit_of(&status, "trigger_ack"); }
static bool is_valid(void) { return bit_of(&status, "results_valid"); }
static bool is_dropped(void) { return !bit_of(&status, "results_valid"); }

/* One handshake; true where the station's answer was taken. */
static bool part(enum Place wanted) {
    int64_t ends = now_ms() + window;
    if (++trigger_seq == 0) trigger_seq = 1;
    set_number("trigger_seq", trigger_seq);
    set_bit("trigger", true);
    if (!scan() || broke(TRIGGERED, wanted, 0) || !until(is_acked, ends)) return false;
    if (number_of(&status, "acquisition_id") != trigger_seq) wrong++, printf("wrong: acquisition id\n");
    set_bit("trigger", false);
    if (broke(ACKED, wanted, 30) || !until(is_unacked, ends) || !until(is_valid, ends)) return false;
    if (number_of(&status, "inspection_id") != trigger_seq) {
        stale++;
        printf("stale: part %u while %u is in flight\n", number_of(&status, "inspection_id"), trigger_seq);
        return false;
    }
    if (broke(RESULT_SEEN, wanted, 0)) return false;
    judge(trigger_seq);
    set_number("echo_seq", trigger_seq);
    set_bit("inspection_results_ack", true);
    if (!scan() || broke(RESULT_ACKED, wanted, 0)) return true;
    until(is_dropped, ends + window);
    set_bit("inspection_results_ack", false);
    scan();
    return true;
}

/* Wait until the station is ready; any Results Valid before our next trigger is a stale one. */
static bool ready(void) {
    set_bit("trigger", false);
    set_bit("inspection_results_ack", false);
    set_bit("trigger_enable", true);
    set_bit("buffer_results_enable", true);
    set_word("job", (uint16_t)job);
    int64_t ends = now_ms() + (trigger_seq ? 30000 : 100000); /* at first the station may still be starting */
    while (!stopping && now_ms() < ends) {
        if (!scan()) continue;
        if (bit_of(&status, "results_valid")) {
            stale++;
            printf("stale: results valid of part %u before a trigger\n", number_of(&status, "inspection_id"));
            set_bit("inspection_results_ack", true);
            scan();
            set_bit("inspection_results_ack", false);
        }
        if (alive() && bit_of(&status, "trigger_ready") && !bit_of(&status, "trigger_ack")) return true;
    }
    return false;
}

static void on_signal(int number) { (void)number; stopping = 1; }

static void options(int argc, char **argv) {
    static const struct option names[] = {
        {"cycles", 1, 0, 'c'}, {"window", 1, 0, 'w'}, {"scan", 1, 0, 's'}, {"break-every", 1, 0, 'b'}, {"mirror", 0, 0, 'm'},
        {"start", 1, 0, 'n'}, {"job", 1, 0, 'j'}, {"swap-bytes", 0, 0, 'x'}, {"any", 0, 0, 'a'}, {0, 0, 0, 0}};
    for (int o; (o = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (o == 'c') cycles = atol(optarg);
        else if (o == 'w') window = atol(optarg);
        else if (o == 's') scan_ms = atol(optarg);
        else if (o == 'b') break_every = atol(optarg);
        else if (o == 'm') status.prefix = "mirror";
        else if (o == 'n') trigger_seq = (uint32_t)strtoul(optarg, NULL, 10);
        else if (o == 'j') job = atol(optarg);
        else if (o == 'x') swap_bytes = true;
        else if (o == 'a') any = true;
        else exit(64);
    }
}

int main(int argc, char **argv) {
    options(argc, argv);
    if (optind + 4 > argc) die("usage: plc_scan HOST PORT UNIT SYMBOLS.csv [options];", "see its head");
    load(argv[optind + 3]);
    if (strcmp(list_role, "server")) die("not the server role:", list_role);
    measure(&control);
    measure(&status);
    signal(SIGPIPE, SIG_IGN);
    struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGTERM, &stop, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    plc = modbus_new_tcp(argv[optind], atoi(argv[optind + 1]));
    if (!plc || modbus_set_slave(plc, atoi(argv[optind + 2])) == -1) die("wrong address or unit", argv[optind]);
    modbus_set_response_timeout(plc, 0, 500000);
    set_number("trigger_seq", trigger_seq);
    printf("started\n");
    long done = 0;
    for (; done < cycles && !stopping; done++) {
        if (!ready()) die("the station did not get ready", "");
        if (done == 0) printf("ready\n");
        if (!part(breaking(done + 1))) {
            by_default++;
            decide(trigger_seq, false, "default");
        }
    }
    for (int64_t ends = now_ms() + 1500; now_ms() < ends && !stopping;) scan(); /* the last number is claimed meanwhile */
    printf("{\"cycles\": %ld, \"ok\": %lu, \"ng\": %lu, \"undecided\": %lu, \"default\": %lu, \"wrong\": %lu, \"stale\": %lu, "
           "\"reconnects\": %lu, \"refused\": %lu}\n", done, ok, ng, undecided, by_default, wrong, stale, reconnects, refused);
    if (connected) modbus_close(plc);
    modbus_free(plc);
    return 0;
}
