/* Keys, certificates and hashed names that ssh-keygen of OpenSSH 9.2 wrote. The private halves are
 * gone. Certificates are for key A, valid from 2020-01-01 to 2030-01-01 UTC. */
#ifndef ADIT_TESTS_KNOWN_HOSTS_KEYS_H
#define ADIT_TESTS_KNOWN_HOSTS_KEYS_H

#define KEY_A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFIe2o+pn8A+Q+aLAVk28LfWJeiJ9AQMg/nWPgVkYxmk"
#define KEY_B "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF1PEKay3ykZZOmfv+XG8EId/yqOn09xt2Em6iI1Ej/p"
#define KEY_E                                                                                                  \
	"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAis1LnmbVkaKRoSwBoAwKHwnglw" \
	"I9RAueimfZzWVo7m1zIf/xfqN0kT3E1FevL4bK2r3X9JThMnHcs3owJeZ48="
#define KEY_CA	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEW4BHRNVb6YAYZcYyVZa6ERW5zfL3ayXzPw9pznWAw2"
#define KEY_CA2 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdO9KurkU2J7q3a19HX8xxJDgT0xEADviqhqMlMTKtc"
#define KEY_RSA_CA                                                                                             \
	"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCNISXnuToWbvglHcgOrSb4t1zNQ3UfMgs1laqMdLuKrNjtmgscVsh+k2+Pwc8Q" \
	"PneRFPbjmEheMog8nZNFQAtgEr1rUBGy8PZZyHiKoASaFFz907pzr5YSDUugA9CcQRSvwg6hVQgXAe0kszd4Obj0foWXtuSRY97h" \
	"GX61vSHh2tmvVP0S+tL1QiX85HhRzzz7yRloHC5beEubDRee4XdpZ86/nzbECRe+Ge1w31km43DXGfEW+diXY8ATZzu3KCCvyKv0" \
	"zR7PuLOFCy+zTjWJBCjyfgF0YzG0lPCRj/TnoEO4/qA+DGs7M7Kelenw3DvNn6Lpv2OtR+DuEhoKoro9"
/* host.example.com */
#define HASHED_22 "|1|bDUA0bUGUMHd8OaUJga9B3ALidI=|VpC6MZpjMjOeZGR7Cho6IZLEelU="
/* [host.example.com]:2222 */
#define HASHED_2222 "|1|G93hz/KfxzWcqfOKKTKIbYA+dtc=|4llpdQuOc41LIxosdoCYBFf80LQ="
/* by CA; principals host.example.com, *.glob.example.com */
#define GOOD_CERT                                                                                              \
	"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIKhsCod1vD3oP+M" \
	"ocFvIrpGSyth7/kM0KDCZwf5POU+pAAAAIFIe2o+pn8A+Q+aLAVk28LfWJeiJ9AQMg/nWPgVkYxmkAAAAAAAAAAAAAAACAAAABGd" \
	"vb2QAAAAqAAAAEGhvc3QuZXhhbXBsZS5jb20AAAASKi5nbG9iLmV4YW1wbGUuY29tAAAAAF4L4QAAAAAAcNvYgAAAAAAAAAAAAAA" \
	"AAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgRbgEdE1VvpgBhlxjJVlroRFbnN8vdrJfM/D2nOdYDDYAAABTAAAAC3NzaC1lZDI1NTE" \
	"5AAAAQNHks9gRyQUhwHS9C55DvI1ZrwWteh02EuTTz5ZegOO7wDgbQxWImAR9brbyv0kjVfKJ7xjrNtO9/tzbjoIYDQI="
/* by CA; a user certificate */
#define USER_CERT                                                                                              \
	"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIL3F+L+4HtmeAqc" \
	"N1zg4Nw89bGlTS58BQYl67cpJjeLLAAAAIFIe2o+pn8A+Q+aLAVk28LfWJeiJ9AQMg/nWPgVkYxmkAAAAAAAAAAAAAAABAAAABHV" \
	"zZXIAAAAUAAAAEGhvc3QuZXhhbXBsZS5jb20AAAAAXgvhAAAAAABw29iAAAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5" \
	"nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl" \
	"0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgRbgEdE1VvpgBhlxjJVlroRF" \
	"bnN8vdrJfM/D2nOdYDDYAAABTAAAAC3NzaC1lZDI1NTE5AAAAQJTk8fmtuzwBR3vk5nmynU9YMOM6sTCRqYHVolpYqxTLMrxlOPm" \
	"RaZLAD5Lly7a9pfTD2U1ff2OmXVPPF/XU7wE="
/* by CA; no principals */
#define ANY_CERT                                                                                               \
	"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIOtKPRDttVeuYGV" \
	"8rGDvxGksKJ6ojVC9maowUCONnbSCAAAAIFIe2o+pn8A+Q+aLAVk28LfWJeiJ9AQMg/nWPgVkYxmkAAAAAAAAAAAAAAACAAAAA2F" \
	"ueQAAAAAAAAAAXgvhAAAAAABw29iAAAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACBFuAR0TVW+mAGGXGMlWWuhEVu" \
	"c3y92sl8z8Pac51gMNgAAAFMAAAALc3NoLWVkMjU1MTkAAABATW4QyP9opmB9wd30fHKefBJx2vA5jZiVrKENVuBFy6KsaY0qkgZ" \
	"PfjOBjYnJSw4Fwx+h5uiSZnxzotjFbOP8Cw=="
/* by CA; a critical option */
#define CRITICAL_CERT                                                                                          \
	"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAILmKDgMKRCm772+" \
	"fyznnkTdCB9DVMHmcM76d5GCaF205AAAAIFIe2o+pn8A+Q+aLAVk28LfWJeiJ9AQMg/nWPgVkYxmkAAAAAAAAAAAAAAACAAAACGN" \
	"yaXRpY2FsAAAAFAAAABBob3N0LmV4YW1wbGUuY29tAAAAAF4L4QAAAAAAcNvYgAAAABoAAAANeEBleGFtcGxlLmNvbQAAAAUAAAA" \
	"BMQAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACBFuAR0TVW+mAGGXGMlWWuhEVuc3y92sl8z8Pac51gMNgAAAFMAAAALc3N" \
	"oLWVkMjU1MTkAAABAj7Q8g7A1YGdKbewI57vmZjxpCyzaTdjn3llYJQ/ALvRPDaI1ng62nXUZuTSMqkwjHHE3j+F5ZnlDDQx6+SY" \
	"+DQ=="
/* by RSA_CA with rsa-sha2-512 */
#define RSA2_CERT                                                                                              \
	"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAINxKGaWpoEiSFlq" \
	"e6hteqHVQ+XdgV9aeZiu9AWmir1K2AAAAIFIe2o+pn8A+Q+aLAVk28LfWJeiJ9AQMg/nWPgVkYxmkAAAAAAAAAAAAAAACAAAABHJ" \
	"zYTIAAAAUAAAAEGhvc3QuZXhhbXBsZS5jb20AAAAAXgvhAAAAAABw29iAAAAAAAAAAAAAAAAAAAABFwAAAAdzc2gtcnNhAAAAAwE" \
	"AAQAAAQEAjSEl57k6Fm74JR3IDq0m+LdczUN1HzILNZWqjHS7iqzY7ZoLHFbIfpNvj8HPED53kRT245hIXjKIPJ2TRUALYBK9a1A" \
	"RsvD2Wch4iqAEmhRc/dO6c6+WEg1LoAPQnEEUr8IOoVUIFwHtJLM3eDm49H6Fl7bkkWPe4Rl+tb0h4drZr1T9EvrS9UIl/OR4Uc8" \
	"8+8kZaBwuW3hLmw0XnuF3aWfOv582xAkXvhntcN9ZJuNw1xnxFvnYl2PAE2c7tyggr8ir9M0ez7izhQsvs041iQQo8n4BdGMxtJT" \
	"wkY/056BDuP6gPgxrOzOynpXp8Nw7zZ+i6b9jrUfg7hIaCqK6PQAAARQAAAAMcnNhLXNoYTItNTEyAAABAAIoc7pG6SkmIdlizPF" \
	"LbXPJMf/r+8VxvDIBbR9vRuhn72BWRynFMd3FAJj4r1tmT1fRbXHjl+f3QJG6GWgDH/rR6JtwU/kUGCLIoBUhWRKX6E4vge1rSvc" \
	"7jabMgyI+mvBzYqGJn639eSqJmqUwIv0z5gJNl5UVPofMIlZT0sUoj2wmqD75o2OZV++IJhBocmYkIJ8I8XqWPZMvkCJ8IgkRUJg" \
	"WgHc2vK8gzQocM8tpier86yJgngN/7xt5G8QQUerXm6MULAVSVuvRAeDRk0b7ckOEuEuXW+ow0jMMJuNjb5M/E3FaiuyhQ6GZvcm" \
	"aY3iOxwmjmdkwYwnuvMKNbpA="
/* by RSA_CA with SHA-1 */
#define SHA1_CERT                                                                                              \
	"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIOWHC2k9hpLm+iB" \
	"2iCxzZz/952dfvldj2iUoggQBkNuNAAAAIFIe2o+pn8A+Q+aLAVk28LfWJeiJ9AQMg/nWPgVkYxmkAAAAAAAAAAAAAAACAAAABHN" \
	"oYTEAAAAUAAAAEGhvc3QuZXhhbXBsZS5jb20AAAAAXgvhAAAAAABw29iAAAAAAAAAAAAAAAAAAAABFwAAAAdzc2gtcnNhAAAAAwE" \
	"AAQAAAQEAjSEl57k6Fm74JR3IDq0m+LdczUN1HzILNZWqjHS7iqzY7ZoLHFbIfpNvj8HPED53kRT245hIXjKIPJ2TRUALYBK9a1A" \
	"RsvD2Wch4iqAEmhRc/dO6c6+WEg1LoAPQnEEUr8IOoVUIFwHtJLM3eDm49H6Fl7bkkWPe4Rl+tb0h4drZr1T9EvrS9UIl/OR4Uc8" \
	"8+8kZaBwuW3hLmw0XnuF3aWfOv582xAkXvhntcN9ZJuNw1xnxFvnYl2PAE2c7tyggr8ir9M0ez7izhQsvs041iQQo8n4BdGMxtJT" \
	"wkY/056BDuP6gPgxrOzOynpXp8Nw7zZ+i6b9jrUfg7hIaCqK6PQAAAQ8AAAAHc3NoLXJzYQAAAQBkj58Wjh0QXCRjdk8OqPd/L3V" \
	"g2HDVwFgROv8UKbF6aui1t/0S6Ol+ofdgD95Jvu2v3GhW0BUgMyWbJtjoQb+o9y+q6T5LTIhRSjpguQIqLo7cniQ0XbiaR3I7zcp" \
	"uAVR3CqKQ0Tf18ShUF6/MnDiV/R0+KU5/Tt29rqwt45Vt8nFIhlmcJm7TdgXnNsouUeWOn29ZcHVH+QeBA7nfHzDh5UwmIaYeIS6" \
	"Qf8Snq6WZTL6Nw7cDAcKE1zNlg38qqVp6+9vRae31b7jsqhP2ezJD9rw+mcP3E50QB0J+xAJoxBwStVdTCOsXB1O2RhrHRyCDgyL" \
	"DafyY+yIJzAP3wrnB"

#endif
