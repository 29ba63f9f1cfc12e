/*
 * DCMTK insists on opening a requestor's connection by itself, though the gateway has one
 * already. So DCMTK is given nothing to open: while a decoy stands, the next socket that
 * is asked for is a number that no descriptor has. Connecting that and setting options of
 * it do nothing and succeed. No system call is made for it.
 *
 * decoy.cc defines socket(2), connect(2) and setsockopt(2) for the whole program, which
 * DCMTK's library finds before libc's. Every other call of them goes to the kernel.
 */
#pragma once

class decoy
{
public:
	decoy();
	~decoy();
	decoy(const decoy &) = delete;
	decoy &operator=(const decoy &) = delete;
};
