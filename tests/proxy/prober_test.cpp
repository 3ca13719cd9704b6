#include "proxy/prober.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "core/address.hpp"
#include "tests/proxy/loop.hpp"
#include "tests/support/socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::proxy {
namespace {

using core::HealthState;
using testing::Loop;
using testing::milliseconds;
using testing::Peer;

constexpr const char* well = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr const char* ill = "HTTP/1.1 503 Service Unavailable\r\n\r\n";

/// A backend on the test's own thread: answers every check with `answer`, or never.
class Backend {
 public:
  explicit Backend(std::string address = "127.0.0.1:0")
      : listening_(support::listen_on(address)),
        address_(address.starts_with("unix:") ? address : support::local_address(listening_)) {}

  void serve() {
    for (;;) {
      const int accepted =
          ::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted < 0) break;
      ++begun;
      open_.emplace_back(accepted);
    }
    std::erase_if(open_, [&](Peer& peer) {
      peer.take();
      if (!answer || peer.received().find("\r\n\r\n") == std::string::npos) return peer.is_ended();
      request = peer.received();
      peer.send(*answer);
      ++answered;
      return true;
    });
  }
  void stop() { listening_.close(); }
  const std::string& address() const { return address_; }
  SocketAddress socket_address() const {
    return *to_socket_address(*core::parse_address(address_));
  }

  std::optional<std::string> answer = well;
  std::string request;
  int begun = 0;
  int answered = 0;

 private:
  support::Fd listening_;
  std::string address_;
  std::vector<Peer> open_;
};

struct Change {
  HealthState state;
  std::string seen;
};

class ProberTest : public ::testing::Test {
 protected:
  ProberTest() {
    loop_.tick();
    settings_.interval = milliseconds(2);
    settings_.timeout = std::chrono::seconds(20);
    settings_.rise = 2;
    settings_.fall = 3;
  }
  void watch(const Backend& backend, HealthState known = HealthState::unknown,
             const std::string& pool = "v1") {
    prober_->watch(pool, backend.address(), settings_, known);
    prober_->set_addresses(pool, backend.address(), {backend.socket_address()});
  }
  template <class Predicate>
  bool run_until(Backend& backend, Predicate holds) {
    return loop_.run_until([&] {
      backend.serve();
      return holds();
    });
  }
  /// The verdict of the first check, and what it saw.
  Change first_verdict(Backend& backend) {
    watch(backend);
    EXPECT_TRUE(run_until(backend, [&] { return prober_->has_all_verdicts(); }));
    return {prober_->state("v1", backend.address()), prober_->last_seen("v1", backend.address())};
  }

  Loop loop_;
  HealthSettings settings_;
  std::vector<Change> changes_;
  std::unique_ptr<Prober> prober_ = std::make_unique<Prober>(
      loop_.reactor(), loop_.wheel(), loop_.blocks(),
      [this](const std::string&, const std::string&, HealthState state, const std::string& seen) {
        changes_.push_back({state, seen});
      });
};

TEST_F(ProberTest, OneGoodCheckDecidesAtFirst) {
  Backend backend;
  EXPECT_EQ(prober_->state("v1", backend.address()), HealthState::unchecked);
  const Change verdict = first_verdict(backend);
  EXPECT_EQ(verdict.state, HealthState::up);
  EXPECT_EQ(verdict.seen, "");
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(changes_[0].state, HealthState::up);
}

TEST_F(ProberTest, OneBadCheckDecidesAtFirst) {
  Backend backend;
  backend.answer = ill;
  const Change verdict = first_verdict(backend);
  EXPECT_EQ(verdict.state, HealthState::down);
  EXPECT_EQ(verdict.seen, "status 503");
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(changes_[0].seen, "status 503");
}

TEST_F(ProberTest, AsksForThePathInTheNameOfTheBackend) {
  Backend backend;
  settings_.path = "/healthz?deep=1";
  first_verdict(backend);
  EXPECT_TRUE(backend.request.starts_with("GET /healthz?deep=1 HTTP/1.1\r\n")) << backend.request;
  EXPECT_NE(backend.request.find("\r\nHost: " + backend.address() + "\r\n"), std::string::npos);
}

TEST_F(ProberTest, AsksInTheNameThatIsConfigured) {
  Backend backend;
  settings_.host = "shop.internal";
  first_verdict(backend);
  EXPECT_NE(backend.request.find("\r\nHost: shop.internal\r\n"), std::string::npos);
}

TEST_F(ProberTest, RedirectionsAreASuccess) {
  Backend backend;
  backend.answer = "HTTP/1.0 302 Found\r\n\r\n";
  EXPECT_EQ(first_verdict(backend).state, HealthState::up);
}

TEST_F(ProberTest, ChecksNeverStopAfterASuccess) {
  Backend backend;
  first_verdict(backend);
  EXPECT_TRUE(run_until(backend, [&] { return backend.answered >= 8; }));
  EXPECT_EQ(changes_.size(), 1U);
}

TEST_F(ProberTest, FallsOnlyAfterThatManyFailuresInARow) {
  Backend backend;
  first_verdict(backend);
  // Twice two failures with a success between them are not three in a row.
  for (int round = 0; round < 2; ++round) {
    const int before = backend.answered;
    run_until(backend, [&] {
      backend.answer = backend.answered < before + 2 ? ill : well;
      return backend.answered >= before + 4;
    });
  }
  EXPECT_EQ(changes_.size(), 1U);
  backend.answer = ill;
  const int before = backend.answered;
  ASSERT_TRUE(run_until(backend, [&] { return changes_.size() == 2; }));
  EXPECT_GE(backend.answered - before, 3);
  EXPECT_EQ(changes_[1].state, HealthState::down);
  EXPECT_EQ(changes_[1].seen, "status 503");
}

TEST_F(ProberTest, RisesAfterThatManySuccessesInARow) {
  Backend backend;
  backend.answer = ill;
  first_verdict(backend);
  backend.answer = well;
  const int before = backend.answered;
  ASSERT_TRUE(run_until(backend, [&] { return changes_.size() == 2; }));
  EXPECT_GE(backend.answered - before, 2);
  EXPECT_EQ(changes_[1].state, HealthState::up);
  EXPECT_EQ(prober_->last_seen("v1", backend.address()), "");
}

TEST_F(ProberTest, GarbageIsAFailure) {
  for (const std::string& garbage :
       {std::string("nonsense\r\n\r\n"), std::string("HTTP/1.1 abc\r\n"),
        std::string("HTTP/2.0 200 OK\r\n"), std::string("HTTP/1.1 2000 OK\r\n"),
        std::string(5000, 'x'), std::string("\r\n")}) {
    Backend backend;
    backend.answer = garbage;
    const Change verdict = first_verdict(backend);
    EXPECT_EQ(verdict.state, HealthState::down) << garbage.substr(0, 20);
    EXPECT_EQ(verdict.seen, "the answer is not HTTP") << garbage.substr(0, 20);
  }
}

TEST_F(ProberTest, AnEndWithoutAnAnswerIsAFailure) {
  Backend backend;
  backend.answer = "";
  EXPECT_EQ(first_verdict(backend).seen, "the connection was closed without an answer");
}

TEST_F(ProberTest, SilenceIsAFailureWhenTheTimeIsUp) {
  Backend backend;
  backend.answer.reset();
  settings_.timeout = milliseconds(60);
  EXPECT_EQ(first_verdict(backend).seen, "no answer in time");
  // The next check may succeed all the same.
  backend.answer = well;
  settings_.timeout = milliseconds(60);
  EXPECT_TRUE(run_until(backend, [&] { return backend.answered >= 1; }));
}

TEST_F(ProberTest, NobodyThereIsAFailure) {
  Backend backend;
  backend.stop();
  EXPECT_EQ(first_verdict(backend).seen, "connection refused");
}

TEST_F(ProberTest, ANameWithoutAnAddressIsAFailure) {
  prober_->watch("v1", "shop.invalid:80", settings_);
  loop_.run_until([&, until = Clock::now() + milliseconds(100)] { return Clock::now() > until; });
  EXPECT_FALSE(prober_->has_all_verdicts()) << "not looked up yet: no verdict";
  EXPECT_EQ(prober_->state("v1", "shop.invalid:80"), HealthState::unknown);
  prober_->set_addresses("v1", "shop.invalid:80", {});
  ASSERT_TRUE(loop_.run_until([&] { return prober_->has_all_verdicts(); }));
  EXPECT_EQ(prober_->state("v1", "shop.invalid:80"), HealthState::down);
}

TEST_F(ProberTest, ChecksOverAUnixSocket) {
  const support::TempDir folder;
  Backend backend("unix:" + folder.file("backend.sock"));
  EXPECT_EQ(first_verdict(backend).state, HealthState::up);
  EXPECT_NE(backend.request.find("\r\nHost: localhost\r\n"), std::string::npos);
}

TEST_F(ProberTest, ABackendForgottenDuringItsCheckIsHeardOfNoMore) {
  Backend backend;
  backend.answer.reset();
  watch(backend);
  ASSERT_TRUE(run_until(backend, [&] { return backend.begun == 1; }));
  prober_->forget("v1", backend.address());
  backend.answer = well;
  ASSERT_TRUE(run_until(backend, [&] { return backend.answered == 1; }));
  run_until(backend, [until = Clock::now() + milliseconds(150)] { return Clock::now() > until; });
  EXPECT_EQ(backend.begun, 1);
  EXPECT_TRUE(changes_.empty());
  EXPECT_TRUE(prober_->has_all_verdicts());
  EXPECT_EQ(prober_->state("v1", backend.address()), HealthState::unchecked);
}

TEST_F(ProberTest, WatchingInTheSameWayKeepsTheVerdictAndAnotherWayBeginsAnew) {
  Backend backend;
  first_verdict(backend);
  prober_->watch("v1", backend.address(), settings_);
  EXPECT_EQ(prober_->state("v1", backend.address()), HealthState::up);
  settings_.path = "/other";
  watch(backend);
  EXPECT_EQ(prober_->state("v1", backend.address()), HealthState::unknown);
  ASSERT_TRUE(run_until(backend, [&] { return prober_->has_all_verdicts(); }));
  EXPECT_TRUE(backend.request.starts_with("GET /other "));
}

TEST_F(ProberTest, AnotherWayOfCheckingGoesOnFromTheVerdictThatIsKept) {
  Backend backend;
  first_verdict(backend);
  backend.answer = ill;
  settings_.path = "/other";
  const int before = backend.answered;
  watch(backend, HealthState::up);
  EXPECT_EQ(prober_->state("v1", backend.address()), HealthState::up);
  EXPECT_TRUE(prober_->has_all_verdicts());
  ASSERT_TRUE(run_until(backend, [&] { return changes_.size() == 2; }));
  EXPECT_EQ(changes_[1].state, HealthState::down);
  EXPECT_GE(backend.answered - before, 3) << "one failed check is no verdict on what was up";
}

TEST_F(ProberTest, ChecksWithAKeptVerdictAreSpreadOverTheInterval) {
  constexpr int count = 32;
  Backend backend;
  settings_.interval = std::chrono::minutes(10);
  const auto watch_all = [&](HealthState known) {
    for (int i = 0; i < count; ++i) watch(backend, known, "v" + std::to_string(i));
  };
  watch_all(HealthState::unknown);
  ASSERT_TRUE(run_until(backend, [&] { return prober_->has_all_verdicts(); }));
  settings_.interval = std::chrono::minutes(20);
  watch_all(HealthState::up);
  const int before = backend.begun;
  EXPECT_EQ(before, count);
  loop_.pass(std::chrono::minutes(10));
  backend.serve();
  EXPECT_GT(backend.begun, before) << "some in the first half";
  EXPECT_LT(backend.begun, before + count) << "and some in the second (all in one: 2^-31)";
}

TEST_F(ProberTest, FirstChecksUnderWayAreBounded) {
  constexpr int most = Prober::most_first_checks;
  constexpr int count = most + 50;
  Backend backend;
  backend.answer.reset();
  for (int i = 0; i < count; ++i) watch(backend, HealthState::unknown, "v" + std::to_string(i));
  ASSERT_TRUE(run_until(backend, [&] { return backend.begun == most; }));
  run_until(backend, [until = Clock::now() + milliseconds(150)] { return Clock::now() > until; });
  EXPECT_EQ(backend.begun, most);
  for (int i = 0; i < count; i += 2) {
    prober_->forget("v" + std::to_string(i), backend.address());
  }
  EXPECT_TRUE(run_until(backend, [&] { return backend.begun > most; }))
      << "those that are forgotten make room";
  backend.answer = well;
  EXPECT_TRUE(run_until(backend, [&] { return prober_->has_all_verdicts(); }));
}

TEST_F(ProberTest, MayEndWhileChecksAreUnderWay) {
  Backend backend;
  backend.answer.reset();
  watch(backend);
  ASSERT_TRUE(run_until(backend, [&] { return backend.begun == 1; }));
  prober_.reset();
  loop_.settle();
  EXPECT_TRUE(changes_.empty());
  EXPECT_TRUE(loop_.wheel().is_empty());
}

}  // namespace
}  // namespace sluice::proxy
