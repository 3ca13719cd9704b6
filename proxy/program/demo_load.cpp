#include "proxy/program/demo_load.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "core/head.hpp"
#include "proxy/errno_text.hpp"
#include "proxy/program/demo_service.hpp"

namespace sluice::proxy::program {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds load_patience{10};
constexpr std::size_t requests_per_second = 1900;
constexpr std::size_t lone_requests_per_second = 100;

/// The value of a field in a head, "" without one.
std::string_view field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at < head.size(); at = head.find("\r\n", at)) {
    at += 2;
    const std::string_view line = head.substr(at, head.find("\r\n", at) - at);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (!core::iequals(line.substr(0, name.size()), name)) continue;
    std::string_view value = line.substr(name.size() + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return value;
  }
  return {};
}

/// "v1" is 0; `demo_versions` for what is no version.
std::size_t version_of(std::string_view name) {
  const bool is_known =
      name.size() == 2 && name[0] == 'v' && name[1] >= '1' && name[1] < char{'1' + demo_versions};
  return is_known ? static_cast<std::size_t>(name[1] - '1') : demo_versions;
}

std::string check_head(std::string_view head, DemoClient::Answer& answer) {
  if (!head.starts_with("HTTP/1.1 200 "))
    return "answered with " + std::string(head.substr(0, head.find("\r\n")));
  const std::string_view version = field(head, "X-Version");
  answer.version = version_of(version);
  if (answer.version == demo_versions)
    return "answered by an unknown version \"" + std::string(version) + "\"";
  const std::string_view length = field(head, "Content-Length");
  const auto [end, error] =
      std::from_chars(length.data(), length.data() + length.size(), answer.octets);
  if (error != std::errc() || end != length.data() + length.size())
    return "answered without a usable Content-Length";
  return "";
}

}  // namespace

core::Result<DemoClient::Answer, std::string> DemoClient::get(std::string_view target,
                                                              bool keep_alive) {
  if (!socket_.is_open()) {
    in_.clear();
    socket_ = connect_to_loopback(port_);
    if (!socket_.is_open()) return broken("cannot connect");
  }
  std::string request = "GET " + std::string(target) + " HTTP/1.1\r\nHost: shop.example\r\n";
  request += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  std::string why = send(request);
  std::size_t head_end = std::string::npos;
  while (why.empty() && (head_end = in_.find("\r\n\r\n")) == std::string::npos) why = receive();
  Answer answer;
  bool closing = !keep_alive;
  if (why.empty()) {
    const std::string_view head = std::string_view(in_).substr(0, head_end + 2);
    why = check_head(head, answer);
    closing |= core::iequals(field(head, "Connection"), "close");
  }
  if (why.empty()) why = read_body(answer, head_end);
  if (!why.empty() || closing) socket_.close();
  if (!why.empty()) return why;
  return answer;
}

std::string DemoClient::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::send(socket_.number(), text.data(), text.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return broken("cannot send");
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return "";
}

std::string DemoClient::receive() {
  const Readiness ready = wait_until_ready(socket_, POLLIN, load_patience, stop_);
  if (ready == Readiness::stopped) return "broken off";
  if (ready == Readiness::too_late) return "no answer within 10 s";
  std::array<char, 16384> room;
  const ssize_t size = ::recv(socket_.number(), room.data(), room.size(), 0);
  if (size < 0) return errno == EINTR ? "" : broken("cannot receive");
  if (size == 0) return in_.empty() ? "closed without an answer" : "closed in mid-answer";
  in_.append(room.data(), static_cast<std::size_t>(size));
  return "";
}

std::string DemoClient::read_body(Answer& answer, std::size_t head_end) {
  const std::size_t end = head_end + 4 + answer.octets;
  while (in_.size() < end)
    if (std::string why = receive(); !why.empty()) return why;
  const bool whole = std::string_view(in_).substr(0, end).ends_with(DemoService::end_of_answer);
  const bool more = in_.size() > end;
  in_.clear();
  if (more) return "answered with more than its Content-Length";
  return whole ? "" : "answered with a body that is not the shop's";
}

std::string DemoClient::broken(const char* what) {
  return std::string(what) + ": " + errno_text(errno);
}

DemoLoad::DemoLoad(std::uint16_t port, std::size_t connections, DemoTally& tally,
                   std::string target)
    : tally_(tally), target_(std::move(target)) {
  const auto add = [&](std::size_t clients, std::size_t rate, bool keep_alive) {
    const auto interval = std::chrono::microseconds{1'000'000 * clients / rate};
    for (std::size_t i = 0; i < clients; ++i)
      clients_.emplace_back([=, this] { run(port, keep_alive, interval); });
  };
  add(connections, requests_per_second, true);
  add(connections / 4 + 1, lone_requests_per_second, false);
}

DemoLoad::~DemoLoad() {
  stop_.raise();
  for (std::thread& client : clients_) client.join();
}

void DemoLoad::run(std::uint16_t port, bool keep_alive, std::chrono::microseconds interval) {
  DemoClient client(port, nullptr);
  auto next = steady_clock::now();
  while (!stop_.is_raised()) {
    const std::size_t step = tally_.step();
    const auto begin = steady_clock::now();
    const auto answer = client.get(target_, keep_alive);
    const auto end = steady_clock::now();
    if (answer)
      tally_.answered(step, answer->version,
                      std::chrono::duration_cast<std::chrono::microseconds>(end - begin));
    else
      tally_.failed(step, answer.error());
    // A client that is late goes on from now: it does not make up for what it missed.
    next = std::max(next + interval, end - interval);
    if (next > end) stop_.wait(std::chrono::ceil<std::chrono::milliseconds>(next - end));
  }
}

DemoDownload::DemoDownload(std::uint16_t port) {
  thread_ = std::thread([this, port] {
    DemoClient client(port, &stop_);
    result_ = client.get(DemoService::export_path, false);
    over_.raise();
  });
}

DemoDownload::~DemoDownload() {
  stop_.raise();
  thread_.join();
}

core::Result<DemoClient::Answer, std::string> DemoDownload::wait() const {
  if (!over_.wait(load_patience)) return std::string("it did not end");
  return result_;
}

}  // namespace sluice::proxy::program
