// How much a forwarder costs over epoll and over io_uring: CPU time of its thread per message sent.
//
//     g++ -O2 -std=c++20 bench/experiments/forward.cc -o /tmp/forward -luring
//     /tmp/forward epoll|uring pairs|fanout [clients]
//
// pairs: each client has one message of 20 bytes on its way at a time, and gets it back.
// fanout: one client's message goes to all the others, which say nothing.
#include <arpa/inet.h>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <vector>

constexpr int kBytes = 20;
constexpr double kSeconds = 2;
static std::atomic<bool> stopping{false};
static std::vector<int> clients, served;
static bool fanout;

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}
static double now(clockid_t id) {
    timespec t;
    clock_gettime(id, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void connect_all(int count) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener, (sockaddr*)&at, sizeof at);
    listen(listener, 4096);
    socklen_t size = sizeof at;
    getsockname(listener, (sockaddr*)&at, &size);
    for (int i = 0; i < count; ++i) {
        int c = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(c, (sockaddr*)&at, sizeof at)) {
            perror("connect");
            exit(1);
        }
        int s = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        int one = 1;
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(c, F_SETFL, O_NONBLOCK);
        clients.push_back(c);
        served.push_back(s);
    }
}

// The other end: a closed loop for each client.
static void load() {
    pin(1);
    int ep = epoll_create1(0);
    for (unsigned i = 0; i < clients.size(); ++i) {
        epoll_event e{EPOLLIN | EPOLLET, {.u32 = i}};
        epoll_ctl(ep, EPOLL_CTL_ADD, clients[i], &e);
    }
    char data[65536];
    memset(data, 'x', sizeof data);
    auto send_one = [&](int fd) {
        if (write(fd, data, kBytes) != kBytes) abort();
    };
    if (fanout) send_one(clients[0]);
    else
        for (int c : clients) send_one(c);
    size_t got = 0;
    std::vector<epoll_event> events(4096);
    while (!stopping) {
        int n = epoll_wait(ep, events.data(), events.size(), 100);
        for (int i = 0; i < n; ++i) {
            int fd = clients[events[i].data.u32];
            ssize_t r = read(fd, data, sizeof data);
            if (r <= 0) continue;
            if (fanout) {
                got += r / kBytes;
            } else send_one(fd);
        }
        if (fanout && got >= clients.size() - 1) {
            got = 0;
            send_one(clients[0]);
        }
    }
}

static size_t forward_epoll() {
    int ep = epoll_create1(0);
    for (unsigned i = 0; i < served.size(); ++i) {
        epoll_event e{EPOLLIN | EPOLLOUT | EPOLLET, {.u32 = i}};
        epoll_ctl(ep, EPOLL_CTL_ADD, served[i], &e);
    }
    std::vector<epoll_event> events(256);
    char data[65536];
    size_t sent = 0;
    while (!stopping) {
        int n = epoll_wait(ep, events.data(), events.size(), 100);
        for (int i = 0; i < n; ++i) {
            if (!(events[i].events & EPOLLIN)) continue;
            unsigned from = events[i].data.u32;
            ssize_t r = read(served[from], data, sizeof data);
            if (r <= 0) continue;
            auto put = [&](unsigned to) {
                iovec v{data, size_t(r)};
                msghdr m{};
                m.msg_iov = &v;
                m.msg_iovlen = 1;
                if (sendmsg(served[to], &m, MSG_NOSIGNAL | MSG_DONTWAIT) == r) ++sent;
            };
            if (fanout)
                for (unsigned to = 1; to < served.size(); ++to) put(to);
            else put(from);
        }
    }
    return sent;
}

static size_t forward_uring() {
    io_uring ring;
    io_uring_params p{};
    p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    p.cq_entries = 16384;
    if (int e = io_uring_queue_init_params(4096, &ring, &p)) {
        fprintf(stderr, "init %s\n", strerror(-e));
        exit(1);
    }
    constexpr unsigned kBuffers = 1024, kSize = 2048;
    io_uring_buf_reg reg{};
    void* area;
    if (posix_memalign(&area, 4096, kBuffers * sizeof(io_uring_buf))) abort();
    auto* br = (io_uring_buf_ring*)area;
    io_uring_buf_ring_init(br);
    reg.ring_addr = (unsigned long)area;
    reg.ring_entries = kBuffers;
    reg.bgid = 1;
    if (int e = io_uring_register_buf_ring(&ring, &reg, 0)) {
        fprintf(stderr, "ring %s\n", strerror(-e));
        exit(1);
    }
    std::vector<char> memory(kBuffers * kSize);
    for (unsigned i = 0; i < kBuffers; ++i)
        io_uring_buf_ring_add(br, &memory[i * kSize], kSize, i, io_uring_buf_ring_mask(kBuffers),
                              i);
    io_uring_buf_ring_advance(br, kBuffers);
    io_uring_register_files(&ring, served.data(), served.size());
    auto arm = [&](unsigned i) {
        io_uring_sqe* s = io_uring_get_sqe(&ring);
        io_uring_prep_recv_multishot(s, i, nullptr, 0, 0);
        s->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
        s->buf_group = 1;
        s->user_data = i;
    };
    for (unsigned i = 0; i < served.size(); ++i) {
        if (io_uring_sq_space_left(&ring) == 0) io_uring_submit(&ring);
        arm(i);
    }
    constexpr unsigned long kSend = 1ul << 40;
    std::vector<unsigned> owed(kBuffers, 0);  // sends that still read the buffer
    size_t sent = 0;
    unsigned returned = 0;
    auto give_back = [&](unsigned b) {
        io_uring_buf_ring_add(br, &memory[b * kSize], kSize, b, io_uring_buf_ring_mask(kBuffers),
                              returned++);
    };
    while (!stopping) {
        __kernel_timespec t{0, 100'000'000};
        io_uring_cqe* c;
        io_uring_submit_and_wait_timeout(&ring, &c, 1, &t, nullptr);
        unsigned head, count = 0;
        returned = 0;
        io_uring_for_each_cqe(&ring, head, c) {
            ++count;
            if (c->user_data & kSend) {
                unsigned b = c->user_data & 0xFFFF;
                if (c->res > 0) ++sent;
                if (--owed[b] == 0) give_back(b);
                continue;
            }
            unsigned from = c->user_data;
            if (c->res > 0) {
                unsigned b = c->flags >> IORING_CQE_BUFFER_SHIFT;
                auto put = [&](unsigned to) {
                    if (io_uring_sq_space_left(&ring) == 0) io_uring_submit(&ring);
                    io_uring_sqe* s = io_uring_get_sqe(&ring);
                    io_uring_prep_send(s, to, &memory[b * kSize], c->res, MSG_NOSIGNAL);
                    s->flags |= IOSQE_FIXED_FILE;
                    s->user_data = kSend | b;
                    ++owed[b];
                };
                if (fanout)
                    for (unsigned to = 1; to < served.size(); ++to) put(to);
                else put(from);
            }
            if (!(c->flags & IORING_CQE_F_MORE)) arm(from);
        }
        io_uring_cq_advance(&ring, count);
        if (returned) io_uring_buf_ring_advance(br, returned);
    }
    return sent;
}

int main(int argc, char** argv) {
    std::string how = argv[1];
    fanout = std::string(argv[2]) == "fanout";
    connect_all(argc > 3 ? atoi(argv[3]) : 100);
    std::thread other(load);
    size_t sent = 0;
    double cpu = 0;
    std::thread forwarder([&] {
        pin(0);
        double before = now(CLOCK_THREAD_CPUTIME_ID);
        sent = how == "epoll" ? forward_epoll() : forward_uring();
        cpu = now(CLOCK_THREAD_CPUTIME_ID) - before;
    });
    usleep(kSeconds * 1e6);
    stopping = true;
    other.join();
    forwarder.join();
    printf("%s %s: %zu messages, %.3f us of CPU each\n", how.c_str(), argv[2], sent,
           cpu * 1e6 / sent);
}
