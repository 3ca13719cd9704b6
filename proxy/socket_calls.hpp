#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

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
inline ssize_t receive_from(int descriptor, void* data, std::size_t size, int flags) {
  return ::recv(descriptor, data, size, flags);
}
inline ssize_t send_to(int descriptor, const void* data, std::size_t size, int flags) {
  return ::send(descriptor, data, size, flags);
}
#else
inline ssize_t receive_from(int descriptor, void* data, std::size_t size, int flags) {
  return ::syscall(SYS_recvfrom, descriptor, data, size, flags, nullptr, nullptr);
}
inline ssize_t send_to(int descriptor, const void* data, std::size_t size, int flags) {
  return ::syscall(SYS_sendto, descriptor, data, size, flags, nullptr, 0);
}
#endif

}  // namespace sluice::proxy
