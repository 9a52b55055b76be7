#include "load/access.h"

#include <cerrno>
#include <utility>

#include "load/dial.h"
#include "reactor/epoll_poller.h"

namespace starling {
namespace {

// Owner: the process's core.
class TcpLoadAccess final : public LoadAccess {
public:
    TcpLoadAccess(std::unique_ptr<EpollPoller> poller, Dial dial)
        : poller_(std::move(poller)),
          dial_(std::move(dial)) {}

    Poller& poller() override { return *poller_; }
    Dial dial() override { return dial_; }

private:
    std::unique_ptr<EpollPoller> poller_;
    Dial dial_;
};

// Owner: the process's core.
class QuicLoadAccess final : public LoadAccess {
public:
    QuicLoadAccess(std::unique_ptr<EpollPoller> poller, std::unique_ptr<quic::TlsContext> tls,
                   std::string server_name, quic::QuicDialer::Source source)
        : poller_(std::move(poller)),
          tls_(std::move(tls)),
          server_name_(std::move(server_name)),
          dialer_({.poller = poller_, .tls = *tls_, .source = std::move(source)}) {}

    Poller& poller() override { return poller_; }
    Dial dial() override {
        return [this](const std::string& address, const ClientOptions& options) {
            return dialer_.dial(address, options.port, server_name_);
        };
    }

private:
    quic::QuicPoller poller_;
    std::unique_ptr<quic::TlsContext> tls_;
    std::string server_name_;
    quic::QuicDialer dialer_;
};

}  // namespace

Result<std::unique_ptr<LoadAccess>> LoadAccess::open(const LoadScenario& scenario,
                                                     std::uint32_t process) {
    STARLING_TRY(poller, EpollPoller::open());
    if (!scenario.quic)
        return std::unique_ptr<LoadAccess>(
            std::make_unique<TcpLoadAccess>(std::move(poller), spread_dial(scenario.run, process)));
    auto tls = quic::TlsContext::client(*scenario.quic);
    if (!tls) return Error{EINVAL, "certificates"};
    return std::unique_ptr<LoadAccess>(
        std::make_unique<QuicLoadAccess>(std::move(poller), std::move(*tls), scenario.server_name,
                                         spread_source(scenario.run, process)));
}

}  // namespace starling
