#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <span>

namespace sluice::proxy {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLUICE_LIBRARY_SOCKET_CALLS  // GCC says it so
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SLUICE_LIBRARY_SOCKET_CALLS  // and clang so
#endif
#endif

/// recv() and send() as the data path calls them, several times a request. glibc makes both a
/// cancellation point (POSIX.1-2017, System Interfaces 2.9.5), which costs two atomic exchanges per
/// call in a process with threads; nobody cancels a worker, so the kernel is asked directly. The
/// sanitizers see through the library's functions only, and get those. Errors in errno, as ever.
#ifdef SLUICE_LIBRARY_SOCKET_CALLS
inline constexpr bool needs_library_calls = true;
inline ssize_t receive_from(int descriptor, void* data, std::size_t size, int flags) {
  return ::recv(descriptor, data, size, flags);
}
inline ssize_t send_to(int descriptor, const void* data, std::size_t size, int flags) {
  return ::send(descriptor, data, size, flags);
}
#else
inline constexpr bool needs_library_calls = false;
inline ssize_t receive_from(int descriptor, void* data, std::size_t size, int flags) {
  return ::syscall(SYS_recvfrom, descriptor, data, size, flags, nullptr, nullptr);
}
inline ssize_t send_to(int descriptor, const void* data, std::size_t size, int flags) {
  return ::syscall(SYS_sendto, descriptor, data, size, flags, nullptr, 0);
}
#endif

/// Sends what the kernel takes of `pieces`, without a signal when the peer is gone. One piece goes
/// by send(), which costs the kernel less than sendmsg(). Errors in errno.
inline ssize_t send_pieces(int descriptor, std::span<iovec> pieces) {
  if (pieces.size() == 1) {
    return send_to(descriptor, pieces.front().iov_base, pieces.front().iov_len, MSG_NOSIGNAL);
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  return ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

}  // namespace sluice::proxy
