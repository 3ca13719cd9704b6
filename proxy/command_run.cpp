#include "proxy/command_run.hpp"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>

#include "proxy/errno_text.hpp"
#include "proxy/spawn.hpp"

namespace sluice::proxy {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

/// From the kill until we no longer wait for the death of a process that the kernel holds.
constexpr std::chrono::seconds death_limit{1};
/// Reads that are made at once from one output, so that a chatty program does not occupy us.
constexpr int reads_in_a_row = 16;

/// False when the reactor does not take it.
bool adopt(asio::posix::stream_descriptor& stream, OwnedDescriptor& descriptor) {
  Error error;
  stream.assign(descriptor.get(), error);
  if (!error) descriptor.release();
  return !error;
}

/// One output of the program.
class Output {
 public:
  explicit Output(asio::io_context& io) : pipe_(io) {}

  asio::posix::stream_descriptor& pipe() { return pipe_; }

  /// Takes what is there. False once there will be no more.
  bool take() {
    std::array<char, command_output_limit> piece;
    for (int i = 0; i < reads_in_a_row; ++i) {
      const ssize_t size = ::read(pipe_.native_handle(), piece.data(), piece.size());
      if (size <= 0) return size < 0 && (errno == EAGAIN || errno == EINTR);
      tail_.append(piece.data(), static_cast<std::size_t>(size));
      if (tail_.size() > command_output_limit) tail_.erase(0, tail_.size() - command_output_limit);
    }
    return true;
  }
  void close() {
    Error ignored;
    pipe_.close(ignored);
  }
  std::string& tail() { return tail_; }

 private:
  asio::posix::stream_descriptor pipe_;
  std::string tail_;
};

/// One run. Owned by what it waits for.
class Command : public std::enable_shared_from_this<Command> {
 public:
  Command(asio::io_context& io, CommandOrder order, std::function<void(CommandAnswer)> done)
      : io_(io),
        order_(std::move(order)),
        done_(std::move(done)),
        timer_(io),
        pidfd_(io),
        out_(io),
        err_(io) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();

  void start();
  /// Ends it without an answer.
  void cancel();

 private:
  void watch_end();
  void watch(Output& output);
  void watch_time(std::chrono::milliseconds span);
  void on_timeout();
  bool reap();
  void kill_group() const;
  void finish();
  void let_go();

  asio::io_context& io_;
  CommandOrder order_;
  std::function<void(CommandAnswer)> done_;
  asio::steady_timer timer_;
  asio::posix::stream_descriptor pidfd_;
  Output out_;
  Output err_;
  CommandAnswer answer_;
  pid_t pid_ = -1;            ///< -1: nothing runs that is ours to reap
  bool is_killed_ = false;    ///< by the timeout
  bool is_answered_ = false;  ///< or nobody wants an answer
};

Command::~Command() {
  if (pid_ < 0) return;
  kill_group();
  pollfd end{pidfd_.native_handle(), POLLIN, 0};
  ::poll(&end, 1, static_cast<int>(std::chrono::milliseconds(death_limit).count()));
  reap();
}

void Command::start() {
  auto child = spawn(order_);
  order_.input.clear();
  if (!child) {
    answer_.error = std::move(child.error());
    return finish();
  }
  if (!adopt(pidfd_, child->pidfd) || !adopt(out_.pipe(), child->out) ||
      !adopt(err_.pipe(), child->err)) {
    kill_and_reap(child->pid);
    answer_.error = "cannot follow " + order_.program + ": no more descriptors can be watched";
    return finish();
  }
  pid_ = child->pid;
  watch_end();
  watch(out_);
  watch(err_);
  watch_time(order_.timeout);
}

void Command::cancel() {
  is_answered_ = true;
  kill_group();
  let_go();
  // It may own what cancels us.
  const auto forgotten = std::exchange(done_, nullptr);
}

/// Goes on until the child is reaped, also when nobody waits for an answer any more.
void Command::watch_end() {
  pidfd_.async_wait(asio::posix::stream_descriptor::wait_read,
                    [self = shared_from_this()](const Error& error) {
                      if (error) return;
                      if (!self->reap()) return self->watch_end();
                      self->out_.take();
                      self->err_.take();
                      self->finish();
                    });
}

void Command::watch(Output& output) {
  output.pipe().async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this(), &output](const Error& error) {
                             if (error || self->is_answered_) return;
                             if (output.take()) self->watch(output);
                           });
}

void Command::watch_time(std::chrono::milliseconds span) {
  timer_.expires_after(span);
  timer_.async_wait([self = shared_from_this()](const Error& error) {
    if (!error && !self->is_answered_) self->on_timeout();
  });
}

void Command::on_timeout() {
  if (is_killed_) return finish();
  is_killed_ = true;
  answer_.error = order_.program + " still ran after " + std::to_string(order_.timeout.count()) +
                  " ms and was killed";
  kill_group();
  watch_time(death_limit);
}

/// True when the child has ended and its exit is in the answer.
bool Command::reap() {
  siginfo_t exit{};
  const auto child = static_cast<id_t>(pidfd_.native_handle());
  if (::waitid(P_PIDFD, child, &exit, WEXITED | WNOHANG) != 0) {
    if (errno == EINTR || errno == EAGAIN) return false;
    answer_.error = "it is not known how " + order_.program + " ended: " + errno_text(errno);
  } else if (exit.si_pid == 0) {
    return false;
  } else if (exit.si_code == CLD_EXITED) {
    answer_.exit_code = exit.si_status;
    answer_.error.clear();
  } else {
    answer_.signal = exit.si_status;
  }
  pid_ = -1;
  return true;
}

/// Safe while the child is not reaped: its number is not given to another process.
void Command::kill_group() const {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

void Command::finish() {
  if (std::exchange(is_answered_, true)) return;
  let_go();
  asio::post(io_, [self = shared_from_this()] {
    self->answer_.out = std::move(self->out_.tail());
    self->answer_.err = std::move(self->err_.tail());
    if (const auto done = std::exchange(self->done_, nullptr)) done(std::move(self->answer_));
  });
}

void Command::let_go() {
  timer_.cancel();
  out_.close();
  err_.close();
}

/// Cancels its run. Does not keep it: the run may be gone with its io_context.
struct CommandToken {
  explicit CommandToken(const std::shared_ptr<Command>& of) : command(of) {}
  CommandToken(const CommandToken&) = delete;
  CommandToken& operator=(const CommandToken&) = delete;
  ~CommandToken() {
    if (const auto alive = command.lock()) alive->cancel();
  }
  std::weak_ptr<Command> command;
};

}  // namespace

std::string to_string(const CommandAnswer& answer) {
  if (!answer.error.empty()) return answer.error;
  if (answer.exit_code) return "exit code " + std::to_string(*answer.exit_code);
  const char* name = ::sigabbrev_np(answer.signal);
  return "ended by signal " + std::to_string(answer.signal) +
         (name == nullptr ? std::string() : std::string(" (") + name + ")");
}

std::shared_ptr<void> run_command(asio::io_context& io, CommandOrder order,
                                  std::function<void(CommandAnswer)> done) {
  const auto command = std::make_shared<Command>(io, std::move(order), std::move(done));
  command->start();
  return std::make_shared<CommandToken>(command);
}

}  // namespace sluice::proxy
