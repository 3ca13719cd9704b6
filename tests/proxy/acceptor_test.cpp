#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <string>

#include "proxy/fleet.hpp"
#include "proxy/listeners.hpp"
#include "proxy/local_control.hpp"
#include "tests/proxy/running_proxy.hpp"
#include "tests/support/raw_client.hpp"

namespace sluice::proxy {
namespace {

/// One worker, as one of two processes that share listening sockets would have it.
class Side {
 public:
  Side() : state("") {
    Settings settings = quiet_settings();
    settings.server.workers = 1;
    control.emplace(LocalControl::Parts{io, fleet, state, log, notices, listeners}, settings);
    fleet.start();
    control->start([] {});
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;
  ~Side() {
    fleet.release_and_join();
    control->stop();
    state.close();
    io.restart();
    io.poll();
  }

  void accept(const support::Fd& listening, const std::string& name) {
    const int own = ::fcntl(listening.get(), F_DUPFD_CLOEXEC, 3);
    fleet.on_all([own, name](Worker& worker) {
      worker.listen(own, name);
      worker.accept_on();
    });
    settle();
  }
  /// Until the worker has done what it was asked for.
  void settle() {
    std::atomic<bool> is_done{false};
    fleet.on_all([&](Worker&) { is_done = true; });
    ASSERT_TRUE(support::eventually([&] { return is_done.load(); }));
  }

  boost::asio::io_context io;
  StateFile state;
  AccessLog log{"off"};
  std::atomic<unsigned> connections{0};
  Notices notices{io, std::make_shared<Recorder>()};
  Fleet fleet{io, 1, Worker::Shared{log, connections}};
  Listeners listeners{fleet};
  std::optional<LocalControl> control;
};

support::Fd listening_socket() {
  support::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(socket.get(), 16), 0);
  return socket;
}

/// Regression: the kernel tells one of those who share a socket of a connection. When that one left
/// the socket in the same turn, nobody accepted the connection until the next one came.
TEST(Acceptor, WhoComesWhileASocketIsLeftIsServedByOneOfTheTwo) {
  Side leaving;
  Side staying;
  for (int round = 0; round < 200; ++round) {
    const support::Fd socket = listening_socket();
    const std::string name = support::local_address(socket);
    leaving.accept(socket, name);
    staying.accept(socket, name);
    support::RawClient client(name);
    leaving.fleet.on_all([name](Worker& worker) { worker.leave_listening({name}); });
    ASSERT_NE(client.get("/").status, 0U) << "round " << round;
  }
}

}  // namespace
}  // namespace sluice::proxy
