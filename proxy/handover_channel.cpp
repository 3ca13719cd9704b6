#include "proxy/handover_channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <exception>

#include "proxy/errno_text.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

constexpr std::size_t prefix_size = 4;
/// What no honest peer exceeds: 10,000 backends with their counts take some megabytes.
constexpr std::size_t longest_frame = 256 * 1024 * 1024;
constexpr std::size_t read_size = 64 * 1024;
constexpr std::size_t control_size = CMSG_SPACE(HandoverChannel::most_descriptors * sizeof(int));

std::string prefix_of(std::size_t size) {
  std::string prefix(prefix_size, '\0');
  for (std::size_t index = 0; index < prefix_size; ++index) {
    prefix[index] = static_cast<char>(size >> (8 * index) & 0xff);
  }
  return prefix;
}

std::size_t size_of(std::string_view prefix) {
  std::size_t size = 0;
  for (std::size_t index = 0; index < prefix_size; ++index) {
    size |= static_cast<std::size_t>(static_cast<unsigned char>(prefix[index])) << (8 * index);
  }
  return size;
}

}  // namespace

HandoverChannel::HandoverChannel(OwnedDescriptor socket) : socket_(std::move(socket)) {
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(socket_.get(), F_SETFD, FD_CLOEXEC) != 0) {
    why_ = "it is no open descriptor: " + errno_text(errno);
  }
}

std::optional<HandoverChannel::Peer> HandoverChannel::peer() const {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return std::nullopt;
  }
  return Peer{credentials.pid, credentials.uid};
}

bool HandoverChannel::fail(std::string why) {
  if (why_.empty()) why_ = std::move(why);
  return false;
}

void HandoverChannel::put(HandoverMessage message) {
  const json::object root{{"type", message.type},
                          {"descriptors", message.descriptors.size()},
                          {"body", std::move(message.body)}};
  std::string text = json::serialize(root);
  Frame frame;
  frame.octets = prefix_of(text.size()) + text;
  frame.descriptors = std::move(message.descriptors);
  unsent_.push_back(std::move(frame));
}

bool HandoverChannel::send_some() {
  while (send_why_.empty() && !unsent_.empty()) {
    if (!send_front()) break;
  }
  return send_why_.empty();
}

/// True when the whole frame is sent.
bool HandoverChannel::send_front() {
  Frame& frame = unsent_.front();
  iovec part{frame.octets.data() + frame.sent, frame.octets.size() - frame.sent};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, control_size> control{};
  const std::size_t count = std::min(frame.descriptors.size(), most_descriptors);
  if (count > 0) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::array<int, most_descriptors> numbers{};
    for (std::size_t index = 0; index < count; ++index) {
      numbers[index] = frame.descriptors[index].get();
    }
    std::memcpy(CMSG_DATA(rights), numbers.data(), count * sizeof(int));
  }
  const ssize_t sent = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    // Too many descriptors under way count as a full buffer: the other side has to take some.
    if (errno == EAGAIN || errno == EINTR || errno == ETOOMANYREFS) return false;
    send_why_ = "cannot send: " + errno_text(errno);
    return false;
  }
  frame.sent += static_cast<std::size_t>(sent);
  frame.descriptors.clear();
  if (frame.sent < frame.octets.size()) return false;
  unsent_.pop_front();
  return true;
}

bool HandoverChannel::receive_some() {
  for (;;) {
    if (!why_.empty()) return false;
    std::array<char, read_size> octets;
    iovec part{octets.data(), octets.size()};
    alignas(cmsghdr) std::array<char, control_size> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return true;
    if (size < 0) return fail("cannot receive: " + errno_text(errno));
    for (cmsghdr* entry = CMSG_FIRSTHDR(&header); entry != nullptr;
         entry = CMSG_NXTHDR(&header, entry)) {
      if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      std::array<int, most_descriptors> numbers{};
      std::memcpy(numbers.data(), CMSG_DATA(entry), count * sizeof(int));
      for (std::size_t index = 0; index < count; ++index) arrived_.emplace_back(numbers[index]);
    }
    if ((header.msg_flags & MSG_CTRUNC) != 0) {
      return fail("not all descriptors arrived: this process may open no more files");
    }
    if (size == 0) return fail("the other process has closed the connection");
    received_.append(octets.data(), static_cast<std::size_t>(size));
  }
}

void HandoverChannel::close() {
  socket_ = OwnedDescriptor();
  unsent_.clear();
  arrived_.clear();
  received_.clear();
  taken_ = 0;
}

std::optional<HandoverMessage> HandoverChannel::take() {
  const std::string_view left = std::string_view(received_).substr(taken_);
  if (left.size() < prefix_size) return std::nullopt;
  const std::size_t size = size_of(left);
  if (size > longest_frame) {
    fail("what came is no message of a hand-over");
    return std::nullopt;
  }
  if (left.size() < prefix_size + size) return std::nullopt;
  try {
    const std::string_view text = left.substr(prefix_size, size);
    // Words of a rollout may come from a hook that does not speak UTF-8.
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    json::value root = json::parse(json::string_view(text.data(), text.size()), {}, options);
    HandoverMessage message;
    message.type = json::value_to<std::string>(root.at("type"));
    const auto count = json::value_to<std::size_t>(root.at("descriptors"));
    if (count > arrived_.size()) throw std::out_of_range("descriptors are missing");
    for (std::size_t index = 0; index < count; ++index) {
      message.descriptors.push_back(std::move(arrived_.front()));
      arrived_.pop_front();
    }
    message.body = std::move(root.at("body"));
    taken_ += prefix_size + size;
    if (taken_ == received_.size()) {
      received_.clear();
      taken_ = 0;
    }
    return message;
  } catch (const std::exception& problem) {
    fail(std::string("what came is no message of a hand-over: ") + problem.what());
    return std::nullopt;
  }
}

}  // namespace sluice::proxy
