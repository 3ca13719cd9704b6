#include "tests/support/test_backend.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <tuple>

namespace sluice::support {
namespace {

constexpr std::chrono::minutes idle_limit{10};

std::pair<std::string, std::string> method_and_target(const std::string& line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string::npos || last <= first || line.substr(last + 1) != "HTTP/1.1")
    throw Malformed("not an HTTP/1.1 request line: '" + line + "'");
  return {line.substr(0, first), line.substr(first + 1, last - first - 1)};
}

std::size_t length_of(const Fields& fields) {
  const auto lengths = fields.all("Content-Length");
  if (lengths.empty()) return 0;
  if (lengths.size() > 1 || lengths[0].find_first_not_of("0123456789") != std::string::npos)
    throw Malformed("bad Content-Length in a request");
  return std::stoul(lengths[0]);
}

}  // namespace

TestBackend::TestBackend(std::string name, Script script, const std::string& address)
    : name_(std::move(name)), listening_(listen_on(address)), script_(std::move(script)) {
  address_ = address.starts_with("unix:") ? address : local_address(listening_);
  acceptor_ = std::thread([this] { accept_loop(); });
}

TestBackend::~TestBackend() {
  stop();
}

void TestBackend::stop() {
  if (stopping_.exchange(true)) return;
  acceptor_.join();
  listening_.close();
  close_connections();
  for (Connection& connection : connections_) connection.thread.join();
}

void TestBackend::close_connections() {
  const std::lock_guard lock(mutex_);
  for (Connection& connection : connections_)
    if (connection.open) connection.stream.shut();
}

void TestBackend::accept_loop() {
  while (!stopping_) {
    pollfd waiting{listening_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    Fd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) continue;
    const std::lock_guard lock(mutex_);
    const std::size_t index = connections_.size();
    Connection& connection = connections_.emplace_back();
    connection.stream = ByteStream(std::move(fd));
    connection.stream.on_receive = [this, &connection](std::string_view bytes) {
      const std::lock_guard guard(mutex_);
      connection.received += bytes;
    };
    connection.thread = std::thread([this, &connection, index] { serve(connection, index); });
    changed_.notify_all();
  }
}

void TestBackend::serve(Connection& connection, std::size_t index) {
  try {
    while (!stopping_ && serve_one(connection, index)) {
    }
  } catch (const Malformed& malformed) {
    violation(malformed.what());
  } catch (const Failure&) {
    // A cut request stays in the record with complete == false.
  }
  const std::lock_guard lock(mutex_);
  connection.open = false;
  connection.stream.close();
  changed_.notify_all();
}

bool TestBackend::serve_one(Connection& connection, std::size_t index) {
  ByteStream& stream = connection.stream;
  if (stream.buffer.empty() && !stream.fill(Deadline(idle_limit))) return false;
  const Head head = read_head(stream);
  SeenRequest seen;
  seen.head = head.bytes;
  std::tie(seen.method, seen.target) = method_and_target(head.start_line);
  seen.fields = head.fields;
  seen.connection = index;
  if (seen.target == "/healthz") return answer_health(stream);
  Script script;
  {
    const std::lock_guard lock(mutex_);
    script = script_;
  }
  Exchange exchange(*this, stream, seen, record(seen));
  if (script)
    script(exchange);
  else
    exchange.answer(200, name_);
  if (!exchange.ended_ && !exchange.body_read_) exchange.read_body();
  return !exchange.ended_ && !same_name(seen.fields.get("Connection"), "close");
}

bool TestBackend::answer_health(ByteStream& stream) {
  ++health_checks_;
  stream.send(healthy_ ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"
                       : "HTTP/1.1 503 Down\r\nContent-Length: 4\r\n\r\ndown");
  changed_.notify_all();
  return true;
}

std::size_t TestBackend::record(const SeenRequest& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  changed_.notify_all();
  return requests_.size() - 1;
}

void TestBackend::complete(std::size_t index, const SeenRequest& request) {
  const std::lock_guard lock(mutex_);
  requests_[index] = request;
  changed_.notify_all();
}

void TestBackend::violation(const std::string& what) {
  const std::lock_guard lock(mutex_);
  violations_.push_back(what);
}

void TestBackend::set_script(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

template <class Holds>
bool TestBackend::wait_until(Holds holds, Clock::duration limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, holds);
}

std::vector<SeenRequest> TestBackend::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

SeenRequest TestBackend::last() const {
  if (!wait_until([this] { return !requests_.empty() && requests_.back().complete; }, patience))
    throw Failure(name_ + " has no complete request");
  const std::lock_guard lock(mutex_);
  return requests_.back();
}

std::size_t TestBackend::request_count() const {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

std::size_t TestBackend::accepted() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

std::size_t TestBackend::open() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                [](const Connection& c) { return c.open; }));
}

std::string TestBackend::received() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const Connection& connection : connections_) all += connection.received;
  return all;
}

std::vector<std::string> TestBackend::violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}

bool TestBackend::wait_for_requests(std::size_t count, Clock::duration limit) const {
  return wait_until([&] { return requests_.size() >= count; }, limit);
}

bool TestBackend::wait_for_open(std::size_t count, Clock::duration limit) const {
  const auto is_open = [](const Connection& c) { return c.open; };
  return wait_until(
      [&] {
        return std::count_if(connections_.begin(), connections_.end(), is_open) ==
               static_cast<std::ptrdiff_t>(count);
      },
      limit);
}

bool TestBackend::wait_for_complete(std::size_t count, Clock::duration limit) const {
  const auto is_complete = [](const SeenRequest& r) { return r.complete; };
  return wait_until(
      [&] {
        return std::count_if(requests_.begin(), requests_.end(), is_complete) >=
               static_cast<std::ptrdiff_t>(count);
      },
      limit);
}

const std::string& Exchange::backend_name() const {
  return backend_.name();
}

void Exchange::read_body() {
  body_read_ = true;
  if (request_.fields.has("Transfer-Encoding")) {
    if (request_.fields.has("Content-Length")) throw Malformed("both framings in a request");
    while (const auto chunk = read_chunk(stream_, request_.trailers)) request_.body += *chunk;
  } else {
    const std::size_t length = length_of(request_.fields);
    const bool whole = stream_.fill_to(length);
    request_.body = stream_.take(length);
    if (!whole) throw Failure("request body is cut");
  }
  request_.complete = true;
  backend_.complete(index_, request_);
}

void Exchange::mark_body_read() {
  body_read_ = true;
  request_.complete = true;
  backend_.complete(index_, request_);
}

std::string Exchange::head(unsigned status, std::string_view fields) const {
  return "HTTP/1.1 " + std::to_string(status) + " Answer\r\nX-Version: " + backend_.name() +
         "\r\nDate: Mon, 02 Mar 2026 10:00:00 GMT\r\n" + std::string(fields);
}

void Exchange::answer(unsigned status, std::string_view body, std::string_view fields) {
  std::string text = head(status, fields);
  if (status != 204 && status != 304)
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text += "\r\n";
  if (request_.method != "HEAD") text += body;
  send(text);
}

void Exchange::wait(Latch& latch) {
  const Deadline deadline;
  while (!latch.wait(std::chrono::milliseconds(20))) {
    if (backend_.stopping_) throw Failure("the backend stops");
    if (deadline.passed()) throw Failure("the test did not release the answer");
  }
}

void Exchange::close() {
  ended_ = true;
  stream_.shut();
}

void Exchange::reset() {
  ended_ = true;
  stream_.reset_on_close();
}

}  // namespace sluice::support
