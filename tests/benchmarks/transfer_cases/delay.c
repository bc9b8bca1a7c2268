/* A proxy on loopback that makes a link long: `delay LISTEN_PORT SERVER_PORT ROUND_TRIP_MS`.
 *
 * Bytes reach the other side half a round trip after they came. Towards the client a connection
 * has at most a window of bytes on their way, which grows from ten segments to 3 MiB as they are
 * acknowledged (slow start), as on a link without loss. A new connection costs a round trip.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SEGMENT = 128 * 1024, SLOTS = 512, FIRST_WINDOW = 14600, WINDOW = 3 * 1024 * 1024 };

static double half_trip;
static int server_port;

struct direction {
    int from, to;
    double ready;
    size_t window;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct { double due; size_t length; char *bytes; } slots[SLOTS];
    unsigned filled, sent, acknowledged;
    size_t in_flight;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void sleep_until(double moment) {
    struct timespec time = {(time_t)moment, (long)((moment - (double)(time_t)moment) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL)) {
    }
}

/* Takes acknowledgements in, which come half a trip after the bytes arrived. */
static void acknowledge(struct direction *way) {
    double moment = now();
    while (way->acknowledged < way->sent) {
        unsigned slot = way->acknowledged % SLOTS;
        if (way->slots[slot].due + half_trip > moment) break;
        size_t length = way->slots[slot].length;
        way->in_flight -= length;
        way->window = way->window + length > WINDOW ? WINDOW : way->window + length;
        way->acknowledged++;
    }
}

static void *deliver(void *argument) {
    struct direction *way = argument;
    for (;;) {
        pthread_mutex_lock(&way->lock);
        while (way->sent == way->filled) pthread_cond_wait(&way->changed, &way->lock);
        unsigned slot = way->sent % SLOTS;
        pthread_mutex_unlock(&way->lock);
        sleep_until(way->slots[slot].due);
        size_t length = way->slots[slot].length, done = 0;
        while (done < length) {
            ssize_t count = send(way->to, way->slots[slot].bytes + done, length - done, MSG_NOSIGNAL);
            if (count <= 0) {
                shutdown(way->from, SHUT_RD);
                break;
            }
            done += (size_t)count;
        }
        if (!length) shutdown(way->to, SHUT_WR);
        pthread_mutex_lock(&way->lock);
        way->sent++;
        pthread_cond_signal(&way->changed);
        pthread_mutex_unlock(&way->lock);
        if (!length) return NULL;
    }
}

static void *forward(void *argument) {
    struct direction *way = argument;
    pthread_t thread;
    pthread_create(&thread, NULL, deliver, way);
    for (ssize_t count = 1; count > 0;) {
        pthread_mutex_lock(&way->lock);
        for (;;) {
            acknowledge(way);
            if (way->in_flight < way->window && way->filled - way->acknowledged < SLOTS) break;
            if (way->acknowledged < way->sent) {
                double moment = way->slots[way->acknowledged % SLOTS].due + half_trip;
                pthread_mutex_unlock(&way->lock);
                sleep_until(moment);
                pthread_mutex_lock(&way->lock);
            } else {
                pthread_cond_wait(&way->changed, &way->lock);
            }
        }
        size_t room = way->window - way->in_flight;
        unsigned slot = way->filled % SLOTS;
        pthread_mutex_unlock(&way->lock);
        if (!way->slots[slot].bytes) way->slots[slot].bytes = malloc(SEGMENT);
        count = recv(way->from, way->slots[slot].bytes, room < SEGMENT ? room : SEGMENT, 0);
        pthread_mutex_lock(&way->lock);
        double due = now() + half_trip;
        way->slots[slot].due = due > way->ready ? due : way->ready;
        way->slots[slot].length = count > 0 ? (size_t)count : 0;
        way->in_flight += way->slots[slot].length;
        way->filled++;
        pthread_cond_signal(&way->changed);
        pthread_mutex_unlock(&way->lock);
    }
    pthread_join(thread, NULL);
    for (int slot = 0; slot < SLOTS; slot++) free(way->slots[slot].bytes);
    return NULL;
}

static struct direction *way(int from, int to, double ready) {
    struct direction *way = calloc(1, sizeof *way);
    way->from = from, way->to = to, way->ready = ready, way->window = FIRST_WINDOW;
    pthread_mutex_init(&way->lock, NULL);
    pthread_cond_init(&way->changed, NULL);
    return way;
}

static void *serve(void *argument) {
    int client = (int)(intptr_t)argument, one = 1;
    double ready = now() + 3 * half_trip; /* the handshake's round trip, then the way there */
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!connect(server, (struct sockaddr *)&address, sizeof address)) {
        setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct direction *up = way(client, server, ready), *down = way(server, client, ready);
        pthread_t thread;
        pthread_create(&thread, NULL, forward, up);
        forward(down);
        shutdown(client, SHUT_RDWR);
        pthread_join(thread, NULL);
        free(up);
        free(down);
    }
    close(server);
    close(client);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    server_port = atoi(arguments[2]);
    half_trip = atof(arguments[3]) / 2000;
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t)atoi(arguments[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) return 1;
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) continue;
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client)) close(client);
        else pthread_detach(thread);
    }
}
